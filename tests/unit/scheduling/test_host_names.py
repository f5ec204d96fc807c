"""Registration of hosts: names that a host can have, as its queues are named after it; a disk that all share."""

import pytest

from apps.scheduling.exceptions import HostNameInvalid
from apps.scheduling.models import Host, Inventory
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


def test_hosts_that_share_a_disk() -> None:
    """Each has what the others' servers do not claim, by their ratios."""
    for name, used, ratio in (("a", 30, 1.0), ("b", 40, 2.0), ("c", 0, 1.0)):
        register(name)
        Inventory.objects.filter(host__name=name).update(disk_used=used, disk_ratio=ratio)
    for name, left in (("a", 80), ("b", 70), ("c", 50)):
        hosts.register(name=name, facts={}, vcpus=1, ram_mib=1, disk_gib=100, agent_url="", shares_disk=True)
        assert Inventory.objects.get(host__name=name).disk_gib == left
    for name, known in (("c", 50), ("new", 0)):  # while the pool does not answer
        hosts.register(name=name, facts={}, vcpus=1, ram_mib=1, disk_gib=None, agent_url="", shares_disk=True)
        assert Inventory.objects.get(host__name=name).disk_gib == known
