"""One lab for all tests of a process: real hosts in namespaces, made by the code of `make lab`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.lab import plan
from deploy.lab.lab import Lab
from deploy.testrun import make_state
from tests.lab.cloud import Guests, LabCloud
from tests.lab.machine import Machine

# Slow migrations: what is killed amid a move has its time.
SETTINGS = {"CELERITY_API_PROCESSES": "1", "CELERITY_LIVE_MIGRATION_BANDWIDTH": "8"}


@pytest.fixture(scope="package")
def lab_cloud(guest_image: Path, request: pytest.FixtureRequest) -> Iterator[LabCloud]:
    """The cloud of a lab. "This machine" is a network namespace: nothing of it is on the real one.

    It has three hosts where a test is chosen that needs as many, else two, which are made faster.
    """
    needed = [mark.args[0] for item in request.session.items if (mark := item.get_closest_marker("hosts"))]
    state = make_state()
    machine = Machine()
    lab = Lab(plan.make(state / "lab", max(needed, default=2)))
    try:
        with machine.entered():
            lab.up(**SETTINGS)
            cloud = LabCloud(lab, machine)
        yield cloud
    finally:
        with machine.entered():
            lab.down()
        machine.close()
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(scope="package")
def guests(lab_cloud: LabCloud) -> Iterator[Guests]:
    """Guests for all tests; the router's gateway is on the second host."""
    cloud = lab_cloud
    with cloud.machine.entered():
        router, group = cloud.router_on("way-out", "compute-2"), cloud.open_group("open")
        one = cloud.network("one", "10.9.1.0/24", router)
        two = cloud.network("two", "10.9.2.0/24", router)
        places = (("near", "compute-1", one), ("far", "compute-2", one), ("other", "compute-2", two))
        ordered = [cloud.order(name, host, network, group) for name, host, network in places]
        near, far, other = (cloud.active(server) for server in ordered)
        assert [guest.host for guest in (near, far, other)] == [host for _, host, _ in places]
        made = Guests(cloud.reachable(near), cloud.reachable(far), other, router, group)
    yield made
    with cloud.machine.entered():
        cloud.clear()


@pytest.fixture
def cloud(lab_cloud: LabCloud) -> Iterator[LabCloud]:
    """The lab's cloud, with this thread where its API and floating IPs are reached."""
    with lab_cloud.machine.entered():
        yield lab_cloud
