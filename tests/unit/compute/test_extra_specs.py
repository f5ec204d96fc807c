"""Known extra specs, and values that must not cost more than their length."""

import time

import pytest

from apps.compute import extra_specs


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hw:cpu_policy", "dedicated"),
        ("hw:mem_page_size", "2MB"),
        ("hw:numa_cpus.0", "0-3,^2"),
        ("quota:disk_read_iops_sec", "100"),
        ("resources:VCPU", "2"),
        ("resources1:CUSTOM_THING", "1"),
        ("trait:HW_CPU_X86_AVX", "required"),
        ("group_policy", "isolate"),
        ("aggregate_instance_extra_specs:ssd", "true"),
        ("mine:anything", "at all"),
        ("plain", ""),
    ],
)
def test_good(name: str, value: str) -> None:
    assert extra_specs.problem(name, value) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hw:cpu_policy", "often"),
        ("hw:nothing", "1"),
        ("hw:cpu_cores", "0"),
        ("quota:disk_read_iops_sec", "-1"),
        ("trait:X", "maybe"),
        ("resources:VCPU", "x"),
        ("group_policy", "x"),
    ],
)
def test_bad(name: str, value: str) -> None:
    problem = extra_specs.problem(name, value)
    assert problem is not None and name in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hw:pmem", "a" * 254 + "!"),
        ("hw:cpu_dedicated_mask", ",1-1" * 63 + "x"),
        ("hw:cpu_realtime_mask", "1" + "-1" * 120 + "x"),
        ("pci_passthrough:alias", "a:1" * 84 + "!"),
    ],
)
def test_no_value_takes_long(name: str, value: str) -> None:
    started = time.perf_counter()
    assert extra_specs.problem(name, value)
    assert time.perf_counter() - started < 0.05
