"""How many servers of a size still fit."""

from typing import Any

import pytest

from apps.compute.models import Flavor
from apps.compute.selectors import capacity as by_flavor
from apps.scheduling.models import Host, Inventory
from apps.scheduling.selectors import capacity
from apps.scheduling.selectors.capacity import Size

pytestmark = pytest.mark.django_db


def make(number: int, *, enabled: bool = True, forced_down: bool = False, **amounts: Any) -> None:
    host = Host.objects.create(
        name=f"h{number}", number=number, hypervisor_type="x", enabled=enabled, forced_down=forced_down
    )
    defaults = {"vcpus": 8, "vcpus_ratio": 1.0, "ram_mib": 4096, "disk_gib": 100}
    Inventory.objects.create(host=host, **{**defaults, **amounts})


def test_each_host_counts_by_what_it_has_least_of(django_assert_num_queries: Any) -> None:
    make(1)
    make(2, vcpus=2)
    make(3, ram_used=3000)
    make(4, disk_gib=9)
    make(5, vcpus=1, vcpus_ratio=4.0, ram_reserved=3584)
    sizes = {"small": Size(vcpus=1, ram_mib=512, disk_gib=5), "huge": Size(vcpus=64, ram_mib=1, disk_gib=1)}
    with django_assert_num_queries(1):
        found = capacity.fitting(sizes=sizes)
    assert found == {"small": 8 + 2 + 2 + 1 + 1, "huge": 0}


def test_only_hosts_that_take_servers_count() -> None:
    make(1, enabled=False), make(2, forced_down=True)
    assert capacity.fitting(sizes={"one": Size(vcpus=1, ram_mib=1, disk_gib=0)}) == {"one": 0}
    assert capacity.fitting(sizes={}) == {}


def test_a_host_that_is_overfull_takes_nothing_away_from_others() -> None:
    make(1), make(2, ram_used=8192)
    assert capacity.fitting(sizes={"one": Size(vcpus=1, ram_mib=512, disk_gib=0)}) == {"one": 8}


def test_flavors(django_assert_num_queries: Any) -> None:
    make(1)
    Flavor.objects.create(flavor_id="b", name="big", vcpus=8, ram_mib=4096, disk_gib=0)
    Flavor.objects.create(flavor_id="s", name="small", vcpus=1, ram_mib=512, disk_gib=10, ephemeral_gib=9, swap_mib=1)
    with django_assert_num_queries(2):
        found = [(flavor.name, count) for flavor, count in by_flavor.by_flavor()]
    assert found == [("small", 5), ("big", 1)]
