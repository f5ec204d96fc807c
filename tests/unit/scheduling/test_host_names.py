"""Names that a host can have: its queues are named after it."""

import pytest

from apps.scheduling.exceptions import HostNameInvalid
from apps.scheduling.models import Host
from apps.scheduling.services import hosts
from apps.workflow import states

pytestmark = pytest.mark.django_db


def register(name: str) -> Host:
    return hosts.register(name=name, facts={}, vcpus=1, ram_mib=1, disk_gib=1, agent_url="")


def test_no_host_reads_the_queue_of_another_ones_long_steps() -> None:
    with pytest.raises(HostNameInvalid, match=r"'x\.long' cannot be the name of a host"):
        register("x.long")
    assert not Host.objects.exists()
    register("x")
    register("long.x")
    names = ["x", "long.x"]
    queues = [queue for name in names for queue in states.host_queues(name)]
    assert len(set(queues)) == len(queues)


def test_a_host_that_has_such_a_name_stays() -> None:
    """Its servers belong to it by this name: an upgrade does not keep its agent from starting."""
    register("x")
    Host.objects.update(name="x.long")
    assert register("x.long").name == "x.long"
    assert Host.objects.count() == 1
