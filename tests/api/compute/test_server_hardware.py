"""Machines that flavors ask for: what there cannot be is refused at the request, and what it forbids later."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps.compute import admin_passwords
from apps.compute.models import Flavor, Server
from apps.compute.selectors import drains
from apps.scheduling.models import Allocation, Host
from tests.api.compute.conftest import ComputeCaller

pytestmark = pytest.mark.usefixtures("no_broker")


def boot(caller: ComputeCaller, wanted: dict[str, Any], **specs: str) -> Any:
    Flavor.objects.update(extra_specs=specs)
    return caller.at("2.37").post("/servers", {"server": {**wanted, "networks": "none"}})


TWO = {"hw:numa_nodes": "2", "hw:numa_cpus.0": "0", "hw:numa_mem.0": "1", "hw:numa_mem.1": "1"}
NO_OTHER = "Use of realtime CPUs requires either one or more non-realtime CPU(s) or offloaded emulator threads."
REFUSED = [
    ({"hw:tpm_version": "3"}, "Invalid TPM version '3'. Allowed values: 1.2, 2.0."),
    ({"hw:tpm_version": "1.2", "hw:tpm_model": "tpm-crb"}, "TPM model CRB is only valid with TPM version 2.0."),
    ({"hw:cpu_thread_policy": "require"}, "Cannot set cpu thread pinning policy in a non dedicated cpu pinning policy"),
    (
        {"hw:emulator_threads_policy": "isolate"},
        "An isolated CPU emulator threads option requires a dedicated CPU policy option.",
    ),
    (
        {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-1"},
        "Mixed instance must have at least 1 pinned vCPU and 1 unpinned vCPU. See 'hw:cpu_dedicated_mask'.",
    ),
    ({"hw:mem_page_size": "much"}, "Invalid memory page size 'much'"),
    (
        {"hw:numa_nodes": "3"},
        "Instance CPUs and/or memory cannot be evenly distributed across instance NUMA nodes. Explicit assignment of "
        "CPUs and memory to nodes is required",
    ),
    (
        {"hw:numa_nodes": "2", "hw:numa_cpus.0": "0"},
        "CPU and memory allocation must be provided for all NUMA nodes",
    ),
    (
        {
            "hw:numa_nodes": "2",
            "hw:numa_cpus.0": "0",
            "hw:numa_cpus.1": "0",
            "hw:numa_mem.0": "1",
            "hw:numa_mem.1": "1",
        },
        "CPU number 0 is assigned to two nodes",
    ),
    (
        {
            "hw:numa_nodes": "2",
            "hw:numa_cpus.0": "0",
            "hw:numa_cpus.1": "1",
            "hw:numa_mem.0": "1",
            "hw:numa_mem.1": "1",
        },
        "2 MB of memory assigned, but expected 256 MB",
    ),
    (
        {"hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "1"},
        "Cannot set realtime policy in a non dedicated cpu pinning policy",
    ),
    ({"hw:cpu_realtime": "yes", "hw:cpu_policy": "dedicated"}, NO_OTHER),
    ({"hw:cpu_realtime": "yes", "hw:cpu_policy": "dedicated", "hw:cpu_realtime_mask": "^0-1"}, NO_OTHER),
    (
        {"hw:cpu_realtime": "yes", "hw:cpu_policy": "dedicated", "hw:cpu_realtime_mask": "1-2"},
        "Realtime policy vCPU(s) mask is configured with RT vCPUs that are not a subset of the vCPUs in the flavor. "
        "See hw:cpu_realtime_mask or hw_cpu_realtime_mask",
    ),
    (
        {"hw:locked_memory": "true"},
        "locked_memory value in image or flavor is forbidden when mem_page_size is not set.",
    ),
]


@pytest.mark.parametrize(("specs", "text"), REFUSED, ids=[str(specs) for specs, _ in REFUSED])
def test_machines_that_there_cannot_be(
    alice: ComputeCaller, wanted: dict[str, Any], specs: dict[str, str], text: str
) -> None:
    answer = boot(alice, wanted, **specs)
    assert (answer.status_code, answer.json()["badRequest"]["message"]) == (400, text)
    assert not Server.objects.exists()


def test_each_server_has_its_own_secret(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    assert boot(alice, {**wanted, "min_count": 2}, **{"hw:tpm_version": "2.0"}).status_code == 202
    secrets = {admin_passwords.unseal(server.tpm_secret) for server in Server.objects.all()}
    assert len(secrets) == 2 and all(len(secret) == 64 for secret in secrets)


def test_what_a_tpm_forbids(alice: ComputeCaller, make_server: Callable[..., Server]) -> None:
    server = make_server(alice, host="h1")
    server.flavor["extra_specs"] = {"hw:tpm_version": "2.0"}
    server.save()
    answer = alice.post(f"/servers/{server.id}/action", {"shelve": None})
    assert answer.status_code == 409
    text = f"Operation 'shelve' not supported for vTPM-enabled instance ({server.id})."
    assert answer.json()["conflictingRequest"]["message"] == text
    server.refresh_from_db()
    assert server.task_state == ""
    assert drains.reasons(host="h1", since=timezone.now())[server.id].startswith("has a TPM, ")
    Server.objects.update(vm_state="stopped")
    assert drains.reasons(host="h1", since=timezone.now())[server.id] == ""  # next


def test_pci_devices(
    admin: ComputeCaller, wanted: dict[str, Any], make_server: Callable[..., Server],
    make_host: Callable[..., Host], settings: Any,
) -> None:  # fmt: skip
    """Only by a name that is known; a server that has some stays on its host while it runs."""
    specs = {"pci_passthrough:alias": "gpu:2"}
    answer = boot(admin, wanted, **specs)
    assert (answer.status_code, answer.json()["badRequest"]["message"]) == (400, "PCI alias gpu is not defined")
    settings.PCI_ALIASES = {"gpu": ("10de:1eb8",)}
    assert boot(admin, {**wanted, "dry_run": True}, **specs).status_code == 200
    for text, said in (("gpu:33", "At most 32 devices"), ("gpu", "'name:number', not 'gpu'"), ("gpu:x", "not 'gpu:x'")):
        assert said in boot(admin, wanted, **{"pci_passthrough:alias": text}).content.decode()
    make_host("h1", 1)
    server = make_server(admin, host="h1")
    server.flavor["extra_specs"] = specs
    server.save()
    for action in ({"suspend": None}, {"os-migrateLive": {"host": None, "block_migration": "auto"}}):
        answer = admin.at("2.25").post(f"/servers/{server.id}/action", action)
        assert answer.status_code == 409 and "PCI-enabled instance" in answer.content.decode()
    assert drains.reasons(host="h1", since=timezone.now())[server.id].startswith("has PCI devices, ")


def test_the_topology_of_a_server(
    admin: ComputeCaller, alice: ComputeCaller, make_server: Callable[..., Server], make_host: Callable[..., Host]
) -> None:
    server = make_server(alice, host="h1")
    path = f"/servers/{server.id}/topology"
    assert alice.at("2.78").get(path).json() == {"nodes": [], "pagesize_kb": None}
    cell = {"host": 1, "pins": {"0": 4}, "floating": [1], "on": [0], "memory": 256, "page": 2048}
    placed = {"cells": [cell], "emulator": [], "kept": [], "devices": []}
    Allocation.objects.create(
        consumer_id=server.id, host=make_host("h1", 1), vcpus=1, ram_mib=256, disk_gib=1, topology=placed
    )
    node = {"memory_mb": 256, "siblings": [], "vcpu_set": [0, 1]}
    assert alice.at("2.78").get(path).json() == {"nodes": [node], "pagesize_kb": 2048}
    full = {**node, "host_node": 1, "cpu_pinning": {"0": 4}}
    assert admin.at("2.78").get(path).json() == {"nodes": [full], "pagesize_kb": 2048}
