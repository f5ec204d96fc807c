"""What extra specs ask of hosts: capabilities by Nova's names, and what this cloud does not offer."""

import uuid
from dataclasses import replace

import pytest

from apps.scheduling.candidates import cache, strategy
from apps.scheduling.engine import ranking
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.filters import variables
from apps.scheduling.filters.capabilities import CapabilitiesFilter
from apps.scheduling.models import Host
from apps.scheduling.services import allocations
from apps.scheduling.specs import RequestSpec
from tests.unit.scheduling.conftest import MakeHosts
from tests.unit.scheduling.test_filters import HOST, SPEC

FILTER = CapabilitiesFilter()
THERE = replace(HOST, hypervisor_version=7002000, vcpus_total=8, ram_total=2048, disk_total=40)


def asking(**specs: str) -> RequestSpec:
    return replace(SPEC, extra_specs={key.replace("__", ":"): value for key, value in specs.items()})


@pytest.mark.parametrize(
    ("key", "value", "passes"),
    [
        ("hypervisor_type", "QEMU", True), ("hypervisor_type", "s== QEMU", True), ("hypervisor_type", "xen", False),
        ("hypervisor_type", "<or> xen <or> QEMU", True), ("hypervisor_type", "<in> QE", True),
        ("hypervisor_type", "<all-in> QEMU", True), ("hypervisor_type", "<all-in> QEMU KVM", False),
        ("hypervisor_version", ">= 7000000", True), ("hypervisor_version", "< 7000000", False),
        ("free_ram_mb", ">= 1024", True), ("free_ram_mb", "> 1024", False), ("free_disk_mb", "= 10240", True),
        ("vcpus_total", "== 8", True), ("vcpus_used", "4", True), ("total_usable_disk_gb", "<= 39", False),
        ("num_instances", "< 1", True), ("host", "host-1", True), ("cpu_info:arch", "x86_64", True),
        ("cpu_info:features", "<in> aes", False), ("bogus", "", False), ("", "x", False),
        ("hypervisor_type", "", False),
    ],
)  # fmt: skip
def test_capabilities(key: str, value: str, passes: bool) -> None:
    wanted = replace(SPEC, extra_specs={f"capabilities:{key}": value})
    assert FILTER.applies(wanted)
    assert FILTER.passes(THERE, wanted) is passes


@pytest.mark.parametrize(
    ("key", "value", "passes"),
    [
        ("resources:VCPU", "64", True), ("resources:MEMORY_MB", "1", True), ("resources1:DISK_GB", "9999", True),
        ("resources:VGPU", "1", False), ("resources:CUSTOM_FPGA", "2", False), ("resources7:CUSTOM_FPGA", "1", False),
        ("resources_NET:CUSTOM_FPGA", "1", False), ("resources:VGPU", "0", True), ("resources:VGPU", "many", False),
        ("resources:VGPU", "10", False), ("resourceful:x", "1", True), ("my_resources:x", "1", True),
        ("pci_passthrough:alias", "gpu:1", True), ("accel:device_profile", "fpga", False), ("hw:pmem", "2G", False),
        ("hw:cpu_realtime", "yes", True), ("hw:locked_memory", "true", True), ("hw:cpu_policy", "shared", True),
        ("hw:pmem", "x", False), ("accel:device_profile", "x", False), ("quota:vif_inbound_peak", "1", True),
        ("hw:mem_page_size", "small", True), ("hw:mem_page_size", "ANY", True), ("hw:cpu_sockets", "2", True),
        ("trait:CUSTOM_X", "required", True), ("ssd", "true", True), ("hw_rng:allowed", "true", True),
        ("hw:ephemeral_encryption", "true", False), ("hw:ephemeral_encryption", "False", True),
        ("hw:firmware_stateless", "yes", False), ("hw:serial_port_count", "1", True),
        ("hw:serial_port_count", "2", False),
        ("hw:usb_model", "qemu-xhci", False), ("hw:redirected_usb_ports", "0", True),
        ("hw:redirected_usb_ports", "1", False), ("hw:tpm_secret_security", "user", False),
        ("hw:tpm_secret_security", "deployment", True), ("hw:cpu_max_sockets", "2", True),
    ],
)  # fmt: skip
def test_what_is_not_offered(key: str, value: str, passes: bool) -> None:
    assert FILTER.passes(THERE, replace(SPEC, extra_specs={key: value})) is passes


def test_it_is_told() -> None:
    wanted = asking(hw__pmem="2", capabilities__hypervisor_type="s== xen", hw__cpu_sockets="1")
    assert FILTER.shortfall(THERE, wanted) == (
        "does not offer hw:pmem=2, capabilities:hypervisor_type=s== xen (there: QEMU)"
    )
    verdict = ranking.rank(hosts=[THERE], spec=wanted)
    told = ranking.explain(verdict=verdict, hosts=[THERE])
    assert told.startswith("1 host checked: 1 that do not match the flavor's extra specs. ")
    assert verdict.misses == [f"host-1 {FILTER.shortfall(THERE, wanted)}"]
    assert not FILTER.applies(SPEC), "flavors without extra specs cost nothing"


def test_every_capability_is_known_under_the_queries_name() -> None:
    assert not variables.OPEN.keys() & variables.INNER.keys()
    for key in variables.EVERY:
        assert FILTER.passes(THERE, replace(SPEC, extra_specs={f"capabilities:{key}": "<or> x <or> y"})) is False
        assert "there: " in FILTER.shortfall(THERE, replace(SPEC, extra_specs={f"capabilities:{key}": "<or> x"}))


@pytest.mark.django_db
def test_in_a_cloud_larger_than_a_block(make_hosts: MakeHosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rare hosts are found at once by attributes, and by amounts, whose results may not be cached."""
    monkeypatch.setattr(strategy, "BLOCK_SIZE", 4)
    cache.room.clear()
    make_hosts(40)
    Host.objects.filter(name="h33").update(hypervisor_type="xen")
    kind = RequestSpec(vcpus=1, ram_mib=512, disk_gib=1, extra_specs={"capabilities:hypervisor_type": "xen"})
    assert FILTER.of_attributes(kind)
    for _ in range(3):
        assert allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=kind).host == "h33"
    roomy = replace(kind, extra_specs={"capabilities:free_ram_mb": ">= 5000", "capabilities:hypervisor_type": "xen"})
    assert not FILTER.of_attributes(roomy)
    with pytest.raises(NoValidHost, match="that do not match the flavor's extra specs"):
        allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=roomy)
    roomy = replace(kind, extra_specs={"capabilities:free_ram_mb": ">= 3500", "capabilities:hypervisor_type": "xen"})
    assert allocations.choose_and_claim(consumer_id=uuid.uuid4(), spec=roomy).host == "h33"
