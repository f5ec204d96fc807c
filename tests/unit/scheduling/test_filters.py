"""Filters and weighers: pure, one at a time."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.scheduling.engine import ranking
from apps.scheduling.filters.availability_zone import AvailabilityZoneFilter
from apps.scheduling.filters.base import Filter
from apps.scheduling.filters.disk import DiskFilter
from apps.scheduling.filters.image_properties import ImagePropertiesFilter
from apps.scheduling.filters.ram import RamFilter
from apps.scheduling.filters.up import UpFilter
from apps.scheduling.filters.vcpu import VcpuFilter
from apps.scheduling.specs import HostState, RequestSpec

HOST = HostState(
    id="1",
    name="host-1",
    zone="nova",
    enabled=True,
    up=True,
    vcpus_free=4,
    ram_free=1024,
    disk_free=10,
    arch="x86_64",
    hypervisor_type="QEMU",
    virt_type="kvm",
)
SPEC = RequestSpec(vcpus=2, ram_mib=512, disk_gib=5)


@pytest.mark.parametrize(
    ("one", "host", "spec", "lacks"),
    [
        (UpFilter(), {"up": False}, {}, "is down"),
        (UpFilter(), {"enabled": False}, {}, "is disabled"),
        (AvailabilityZoneFilter(), {}, {"zone": "east"}, "not in east"),
        (RamFilter(), {"ram_free": 511}, {}, "lacks 1 MiB of RAM"),
        (VcpuFilter(), {"vcpus_free": 1}, {}, "lacks 1 vCPUs"),
        (DiskFilter(), {"disk_free": 1}, {}, "lacks 4 GiB of disk"),
        (ImagePropertiesFilter(), {}, {"image_properties": {"hw_architecture": "aarch64"}}, "architecture aarch64"),
        (ImagePropertiesFilter(), {}, {"image_properties": {"img_hv_type": "vz"}}, "hypervisor type vz"),
    ],
)
def test_each_filter_refuses_and_says_why(one: Filter, host: dict, spec: dict, lacks: str) -> None:
    assert one.passes(HOST, SPEC)
    narrow, wanting = replace(HOST, **host), replace(SPEC, **spec)
    assert not one.passes(narrow, wanting)
    assert lacks in one.shortfall(narrow, wanting)


def test_an_image_that_asks_for_what_is_there_passes() -> None:
    wanting = replace(SPEC, image_properties={"hw_architecture": "amd64", "img_hv_type": "kvm"})
    assert ImagePropertiesFilter().passes(HOST, wanting)


def test_the_roomiest_hosts_come_first(settings: object) -> None:
    settings.SCHEDULER_HOST_SUBSET_SIZE = 1
    hosts = [replace(HOST, id=str(i), name=f"h{i}", ram_free=512 * (i + 1), vcpus_free=2 * (i + 1)) for i in range(5)]
    assert [host.name for host in ranking.rank(hosts=hosts, spec=SPEC).hosts] == ["h4", "h3", "h2", "h1", "h0"]


def test_a_host_named_by_an_administrator_needs_room_and_life_and_no_more() -> None:
    wanting = replace(SPEC, force_host="host-1", image_properties={"hw_architecture": "aarch64"})
    assert ranking.rank(hosts=[HOST], spec=wanting).hosts
    assert not ranking.rank(hosts=[HOST], spec=replace(wanting, force_host=None)).hosts
    for short in ({"up": False}, {"enabled": False}, {"ram_free": 0}, {"vcpus_free": 0}, {"disk_free": 0}):
        assert not ranking.rank(hosts=[replace(HOST, **short)], spec=wanting).hosts


def test_the_table_counts_what_each_filter_removed() -> None:
    hosts = [HOST, replace(HOST, id="2", name="host-2", ram_free=0), replace(HOST, id="3", name="host-3", up=False)]
    verdict = ranking.rank(hosts=hosts, spec=SPEC)
    counts = {row["filter"]: (row["in"], row["out"]) for row in verdict.table}
    assert (counts["up"], counts["ram"]) == ((3, 2), (2, 1))
    assert "host-2 lacks 512 MiB of RAM" in verdict.misses


@given(st.lists(st.tuples(st.integers(-5, 20), st.integers(-100, 4096), st.integers(-5, 50)), max_size=20))
def test_whatever_is_ranked_fits(amounts: list[tuple[int, int, int]]) -> None:
    hosts = [
        replace(HOST, id=str(i), name=f"h{i}", vcpus_free=v, ram_free=r, disk_free=d)
        for i, (v, r, d) in enumerate(amounts)
    ]
    fits = {h.name for h in hosts if h.vcpus_free >= 2 and h.ram_free >= 512 and h.disk_free >= 5}
    verdict = ranking.rank(hosts=hosts, spec=SPEC)
    assert {host.name for host in verdict.hosts} == fits
    assert len(verdict.hosts) == len(fits)
