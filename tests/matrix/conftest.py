"""A cloud with four hosts, each with its own agent; each batch leaves it empty and whole."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.testrun import PREFIX, Services, root_of_states
from tests.cloud import Cloud
from tests.matrix.cells import HOSTS
from tests.matrix.moments import Moments

SETTINGS = {
    "CELERITY_HOSTS": str(len(HOSTS)),
    "CELERITY_RECOVERY": "1",
    "CELERITY_WORKER_STATEMENT_TIMEOUT": "600",  # a worker that is held waits in a statement
    "CELERITY_RECONCILE": "1",
    "CELERITY_HOST_DOWN": "90",  # an agent that is restarted, or late, on a busy machine is not down
    "CELERITY_AGENT_THREADS": "32",
    "CELERITY_LONG_STEPS": "32",  # a batch holds one worker for each cell
    "CELERITY_SCHEDULER_THREADS": "32",
    "CELERITY_LONG_DOWNLOAD": "0",  # each image that is not in a cache is fetched by a long step
    "CELERITY_BROKER_VISIBILITY": "2",  # shorter than the long steps of test_long_steps.py
    "CELERITY_QUOTA_INSTANCES": "200",
    "CELERITY_QUOTA_CORES": "400",
    "CELERITY_QUOTA_RAM": "1000000",
    "CELERITY_QUOTA_IMAGES": "1000",
    "CELERITY_QUOTA_VOLUMES": "1000",
    "CELERITY_QUOTA_GIGABYTES": "10000",
}

# `make matrix STORE=pool`: disks of servers and volumes in pools that all hosts see, as in a Ceph cluster.
if os.environ.get("MATRIX_STORE") == "pool":
    SETTINGS |= {"CELERITY_ROOT_STORE": "rbd://disks", "CELERITY_VOLUME_BACKENDS": "ceph"}


@pytest.fixture(scope="package")
def matrix_cloud() -> Iterator[Cloud]:
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    with Services(state) as services:
        cloud = Cloud(services, agents=HOSTS, **SETTINGS)
        cloud.overrides[f"agent:{HOSTS[-1]}"] = {"CELERITY_LONG_STEPS": "2", "CELERITY_AGENT_THREADS": "4"}  # as usual
        with cloud:
            yield cloud


@pytest.fixture(scope="package")
def moments(matrix_cloud: Cloud) -> Iterator[Moments]:
    found = Moments(matrix_cloud)
    yield found
    found.close()
