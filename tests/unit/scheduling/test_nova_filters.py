"""Filters with Nova's semantics: which hosts pass, and the reasons for the others."""

from dataclasses import replace
from typing import Any

import pytest

from apps.scheduling.engine import enabled
from apps.scheduling.filters.aggregate_extra_specs import AggregateExtraSpecsFilter, UnscopedExtraSpecsFilter, matches
from apps.scheduling.filters.aggregate_tenants import AggregateTenantsFilter
from apps.scheduling.filters.aggregate_types import AggregateTypesFilter
from apps.scheduling.filters.base import Filter
from apps.scheduling.filters.different_host import DifferentHostFilter
from apps.scheduling.filters.group_affinity import GroupAffinityFilter, GroupAntiAffinityFilter
from apps.scheduling.filters.ignore_hosts import IgnoreHostsFilter
from apps.scheduling.filters.image_properties import ImagePropertiesFilter
from apps.scheduling.filters.io_ops import IoOpsFilter
from apps.scheduling.filters.json_query import JsonQueryFilter
from apps.scheduling.filters.num_instances import NumInstancesFilter
from apps.scheduling.filters.same_host import SameHostFilter
from apps.scheduling.filters.traits import TraitsFilter, requested
from apps.scheduling.specs import AggregateState, GroupSpec, HostState, RequestSpec
from tests.unit.scheduling.test_filters import HOST, SPEC


def within(*metadata: dict[str, str], **more: Any) -> HostState:
    """Return the host in aggregates with these metadata."""
    told = tuple(AggregateState(name=f"a{index}", metadata=one) for index, one in enumerate(metadata))
    return replace(HOST, aggregates=told, **more)


def specs(**values: str) -> RequestSpec:
    return replace(SPEC, extra_specs={key.replace("__", ":"): value for key, value in values.items()})


def scoped(value: str, key: str = "k") -> RequestSpec:
    return replace(SPEC, extra_specs={f"aggregate_instance_extra_specs:{key}": value})


@pytest.mark.parametrize(
    ("told", "wanted", "passes"),
    [
        ("12311321", "<in> 11", True), ("12310321", "<in> 11", False),
        ("12", "<or> 11 <or> 12", True), ("13", "<or> 11 <or> 12", False),
        ("123", "s== 123", True), ("1234", "s== 123", False), ("1234", "s!= 123", True), ("123", "s!= 123", False),
        ("1000", "s>= 234", False), ("234", "s>= 1000", True), ("1000", "s<= 1000", True), ("12", "s> 2", False),
        ("123", "= 123", True), ("124", "= 123", True), ("34", "= 234", False), ("x", "= 234", False),
        ("123", "== 123", True), ("1234", "== 123", False), ("2", "!= 3", True), ("3", "!= 3", False),
        ("3", ">= 2", True), ("2", ">= 3", False), ("2", "<= 10", True), ("3", "<= 2", False), ("3", "> 2", True),
        ("2", "< 3", True), ("true", "true", True), ("false", "true", False), ("> 5 x", "> 5 x", True),
        ("a", "<range-in> ( 1 2", False), ("", "", True), ("x", "==", False),
    ],
)  # fmt: skip
def test_operators_of_extra_specs(told: str, wanted: str, passes: bool) -> None:
    assert matches(told, wanted) is passes


@pytest.mark.parametrize(
    ("told", "wanted", "passes"),
    [
        (["aes mmx aux"], "<all-in> aes mmx", True), (["aes,mmx,aux"], "<all-in> aes mmx", True),
        (["aes, mmx, aux"], "<all-in> mmx aes", True), (["['aes', 'mmx', 'aux']"], "<all-in> aes mmx", True),
        (['["aes", "mmx"]'], "<all-in> aes mmx", True), (["aes", "mmx"], "<all-in> aes mmx", True),
        (["aes mmx", "mmx,aux"], "<all-in> aes aux", True), (["aes mmx"], "<all-in> aes", True),
        (["mmx aux"], "<all-in> aes mmx", False), (["aesni mmx"], "<all-in> aes mmx", False),
        (["['mmx', 'aux']"], "<all-in> aes mmx", False), ([], "<all-in> aes", False), (["aes"], "<all-in>", False),
        (["(((("], "<all-in> ((", False),
    ],
)  # fmt: skip
def test_all_words_are_looked_for_in_all_that_is_said(told: list[str], wanted: str, passes: bool) -> None:
    """An aggregate's value is split at commas: a part is one word, never the whole list."""
    assert AggregateExtraSpecsFilter().passes(within(*({"k": one} for one in told)), scoped(wanted)) is passes


def test_aggregate_extra_specs() -> None:
    one = AggregateExtraSpecsFilter()
    assert one.passes(within({"k": "v"}), scoped("v"))
    assert one.passes(within({"k": "u, v"}), scoped("v")), "lists with commas"
    assert one.passes(within({"k": "u"}, {"k": "v"}), scoped("v")), "one aggregate is enough"
    assert not one.passes(within({"j": "v"}), scoped("v"))
    assert not one.passes(HOST, scoped("v"))
    assert "k v (there: u)" in one.shortfall(within({"k": "u"}), scoped("v"))
    assert one.passes(HOST, specs(k="v")), "keys without a scope are not read"
    assert one.passes(HOST, specs(hw__cpu_policy="dedicated", trait__X="required")), "another scope is another's"
    assert one.passes(HOST, specs(group_policy="none"))


def test_unscoped_extra_specs_are_read_where_they_are_chosen(settings: Any) -> None:
    """Nova's default filters do not read them: a flavor with one ended every boot in ERROR."""
    one = UnscopedExtraSpecsFilter()
    assert one.passes(within({"k": "v"}), specs(k="v"))
    assert not one.passes(HOST, specs(k="v"))
    assert one.passes(HOST, specs(group_policy="none"))
    assert one.passes(HOST, scoped("v")), "those are the other filter's"
    assert "unscoped_extra_specs" not in [each.name for each in enabled.filters()]
    settings.SCHEDULER_FILTERS = [f"+{UnscopedExtraSpecsFilter.__module__}.UnscopedExtraSpecsFilter"]
    assert "unscoped_extra_specs" in [each.name for each in enabled.filters()]


def test_aggregate_tenants() -> None:
    one, mine = AggregateTenantsFilter(), replace(SPEC, project_id="p1")
    assert one.passes(HOST, mine)
    assert one.passes(within({"filter_tenant_id": "p1"}), mine)
    assert one.passes(within({"filter_tenant_id": "p2,p1"}), mine)
    assert one.passes(within({"filter_tenant_id": "p2", "filter_tenant_id3": "p1"}), mine)
    assert not one.passes(within({"filter_tenant_id_x": "p2"}), mine)
    assert one.passes(within({"filter_tenant_id": "p2"}, {"filter_tenant_id": "p1"}), mine)


def test_aggregate_types() -> None:
    one, mine = AggregateTypesFilter(), replace(SPEC, flavor_name="m1.small")
    assert one.passes(HOST, mine)
    assert one.passes(within({"instance_type": "m1.tiny, m1.small"}), mine)
    assert not one.passes(within({"instance_type": "m1.tiny"}), mine)
    assert not one.passes(within({"instance_type": "m1.small.big"}), mine)


@pytest.mark.parametrize(
    ("one", "asking", "lacks"),
    [
        (IgnoreHostsFilter(), {"ignore_hosts": frozenset({"host-1"})}, "already tried"),
        (DifferentHostFilter(), {"different_hosts": frozenset({"host-1"})}, "keep away"),
        (SameHostFilter(), {"same_hosts": frozenset({"host-2"})}, "none of the servers"),
        (SameHostFilter(), {"same_hosts": frozenset()}, "none of the servers"),
        (GroupAffinityFilter(), {"group": GroupSpec(policy="affinity", members={"host-2": 1})}, "(affinity)"),
        (
            GroupAntiAffinityFilter(),
            {"group": GroupSpec(policy="anti-affinity", members={"host-1": 2}, max_server_per_host=2)},
            "has 2 of the group's servers",
        ),
        (JsonQueryFilter(), {"query": [">", "$free_ram_mb", 9999]}, "query"),
        (ImagePropertiesFilter(), {"image_properties": {"hw_vm_mode": "xen"}}, "mode xen"),
        (ImagePropertiesFilter(), {"image_properties": {"img_hv_requested_version": ">=99.0"}}, "version >=99.0"),
        (ImagePropertiesFilter(), {"image_properties": {"hypervisor_version_requires": "nonsense"}}, "version"),
    ],
)
def test_what_is_refused(one: Filter, asking: dict[str, Any], lacks: str) -> None:
    wanting = replace(SPEC, **asking)
    assert one.applies(wanting)
    assert not one.passes(HOST, wanting)
    assert lacks in one.shortfall(HOST, wanting)
    assert one.passes(HOST, SPEC)


def test_group_policies_let_through() -> None:
    for policy, members, most in (
        ("affinity", {}, 1), ("affinity", {"host-1": 1}, 1), ("anti-affinity", {"host-2": 1}, 1),
        ("anti-affinity", {"host-1": 1}, 2), ("soft-affinity", {"host-2": 1}, 1),
        ("soft-anti-affinity", {"host-1": 9}, 1),
    ):  # fmt: skip
        wanting = replace(SPEC, group=GroupSpec(policy=policy, members=members, max_server_per_host=most))
        assert GroupAffinityFilter().passes(HOST, wanting) and GroupAntiAffinityFilter().passes(HOST, wanting)


def test_image_properties_by_version_and_mode() -> None:
    one, host = ImagePropertiesFilter(), replace(HOST, hypervisor_version=7002000)
    for properties, passes in (
        ({"img_hv_requested_version": ">=6.0,<8.0"}, True), ({"img_hv_requested_version": ">=6.0,<7.0"}, False),
        ({"hw_vm_mode": "hvm"}, True), ({"vm_mode": "HVM"}, True), ({"hw_architecture": "armv7l"}, False),
    ):  # fmt: skip
        assert one.passes(host, replace(SPEC, image_properties=properties)) is passes, properties


def test_guests_of_32_bits_run_on_hosts_of_64() -> None:
    """QEMU and KVM on x86_64 run i686 guests; Nova's libvirt hosts list both. Not the other way round."""
    one = ImagePropertiesFilter()
    for arch in ("i686", "i386", "I586"):
        assert one.passes(HOST, replace(SPEC, image_properties={"hw_architecture": arch})), arch
    narrow = replace(HOST, arch="i686")
    assert one.passes(narrow, replace(SPEC, image_properties={"hw_architecture": "i386"}))
    assert not one.passes(narrow, replace(SPEC, image_properties={"hw_architecture": "x86_64"}))
    assert not one.passes(replace(HOST, arch="aarch64"), replace(SPEC, image_properties={"hw_architecture": "i686"}))


def test_numbers_an_operator_allows() -> None:
    many, busy = NumInstancesFilter(maximum=5), IoOpsFilter(maximum=2)
    assert many.passes(replace(HOST, servers=4), SPEC) and not many.passes(replace(HOST, servers=5), SPEC)
    assert busy.passes(replace(HOST, io_ops=1), SPEC) and not busy.passes(replace(HOST, io_ops=2), SPEC)
    assert NumInstancesFilter().passes(replace(HOST, servers=9999), SPEC), "0 is no limit"
    assert not many.passes(within({"max_instances_per_host": "3"}, servers=3), SPEC)
    assert many.passes(within({"max_instances_per_host": "7"}, servers=6), SPEC)
    assert not many.passes(within({"max_instances_per_host": "7"}, {"max_instances_per_host": "6"}, servers=6), SPEC)
    assert many.passes(within({"max_instances_per_host": "many"}, servers=4), SPEC)
    assert not busy.passes(within({"max_io_ops_per_host": "1"}, io_ops=1), SPEC)


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ([">=", "$free_ram_mb", 1024], True), ([">=", "$free_ram_mb", 1025], False), (["=", "$num_instances", 0], True),
        (["and", [">=", "$free_ram_mb", 1], [">=", "$free_disk_mb", 10240]], True),
        (["and", [">=", "$free_ram_mb", 1], [">=", "$free_disk_mb", 10241]], False),
        (["or", ["=", "$free_ram_mb", 7], ["<", "$num_io_ops", 1]], True),
        (["not", ["=", "$free_ram_mb", 7]], True), (["not", ["=", "$free_ram_mb", 1024]], False),
        (["in", "$free_ram_mb", 1, 2, 1024], True), (["in", "$free_ram_mb", 1], False), (["<", "$free_ram_mb"], False),
        (["="], False), (["=", "$bogus", 5], False), (["dance", 1, 2], False), ([[], 1], False), ([], True),
        ([">", "$free_ram_mb", "x"], False), ([">", "$free_ram_mb", {"a": 1}], False), (["not"], False),
    ],
)  # fmt: skip
def test_json_queries(query: list[Any], passes: bool) -> None:
    assert JsonQueryFilter().passes(HOST, replace(SPEC, query=query)) is passes


def test_a_query_without_end() -> None:
    deep: list[Any] = ["="]
    for _ in range(100_000):
        deep = ["and", deep]
    assert not JsonQueryFilter().passes(HOST, replace(SPEC, query=deep))


def test_traits() -> None:
    one, host = TraitsFilter(), replace(HOST, traits=frozenset({"HW_CPU_X86_AVX2", "CUSTOM_GPU"}))
    assert one.passes(host, specs(trait__HW_CPU_X86_AVX2="required"))
    assert one.passes(host, specs(trait1__CUSTOM_GPU="required")), "a numbered group asks too"
    assert not one.passes(host, specs(trait__HW_CPU_X86_AVX512F="required"))
    assert not one.passes(host, specs(trait__CUSTOM_GPU="forbidden"))
    assert one.passes(HOST, specs(trait__CUSTOM_GPU="forbidden"))
    assert one.passes(host, specs(trait__CUSTOM_X="whatever"))
    image = replace(SPEC, image_properties={"trait:CUSTOM_GPU": "required"})
    assert one.passes(host, image) and not one.passes(HOST, image)
    both = specs(trait__A="required", trait__CUSTOM_GPU="forbidden")
    assert one.shortfall(host, both) == "lacks A and has CUSTOM_GPU"


@pytest.mark.parametrize(
    ("flavor", "image", "trait"),
    [
        ({"hw:mem_encryption": "true"}, {}, "HW_CPU_X86_AMD_SEV"),
        ({}, {"hw_mem_encryption": "True"}, "HW_CPU_X86_AMD_SEV"),
        ({"hw:tpm_version": "2.0"}, {}, "COMPUTE_SECURITY_TPM_2_0"),
        ({"hw:cpu_policy": "mixed", "hw:mem_page_size": "small"}, {}, "CUSTOM_DEDICATED_CPUS"),
        ({"hw:mem_page_size": "2MB"}, {}, "CUSTOM_LARGE_PAGES"),
        ({}, {"os_secure_boot": "required"}, "COMPUTE_SECURITY_UEFI_SECURE_BOOT"),
        ({"hw:virtio_packed_ring": "1"}, {}, "COMPUTE_NET_VIRTIO_PACKED"),
        ({"hw:viommu_model": "virtio"}, {}, "COMPUTE_VIOMMU_MODEL_VIRTIO"),
        ({"hw:maxphysaddr_mode": "emulate"}, {}, "COMPUTE_ADDRESS_SPACE_EMULATED"),
    ],
)
def test_features_that_ask_for_traits(flavor: dict[str, str], image: dict[str, str], trait: str) -> None:
    assert requested(replace(SPEC, extra_specs=flavor, image_properties=image))[0] == {trait}


def test_what_asks_for_no_trait() -> None:
    quiet = replace(
        SPEC,
        extra_specs={"hw:cpu_policy": "shared", "os:secure_boot": "optional", "hw:mem_encryption": "false"},
        image_properties={"hw_disk_bus": "virtio", "os_distro": "debian"},
    )
    assert requested(quiet) == (set(), set())
