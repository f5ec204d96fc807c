"""One lab for all tests of a process: real hosts in namespaces, made by the code of `make lab`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.lab import plan
from deploy.lab.lab import Lab
from deploy.testrun import make_state
from tests.lab.cloud import LabCloud
from tests.lab.machine import Machine


@pytest.fixture(scope="package")
def lab_cloud(guest_image: Path) -> Iterator[LabCloud]:
    """The cloud of a lab of two hosts. "This machine" is a network namespace: nothing of it is on the real one."""
    state = make_state()
    machine = Machine()
    lab = Lab(plan.make(state / "lab", 2))
    try:
        with machine.entered():
            lab.up(CELERITY_API_PROCESSES="1")
            cloud = LabCloud(lab, machine)
        yield cloud
    finally:
        with machine.entered():
            lab.down()
        machine.close()
        shutil.rmtree(state, ignore_errors=True)
