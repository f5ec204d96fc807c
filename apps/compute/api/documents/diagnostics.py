"""Documents of diagnostics: the form of all hypervisors from 2.48 on, and libvirt's own below."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from apps.compute.models import Server

KIB_PER_MIB = 1024
_DIRECTIONS = ("rx", "tx")


def uniform(server: Server, counters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of 2.48 (nova/objects/diagnostics.py). Memory is in MiB, uptime in seconds."""
    memory = counters["memory_kib"]
    launched = server.launched_at or server.created_at
    return {
        "state": "running",
        "driver": counters["driver"],
        "hypervisor": counters["hypervisor"],
        "hypervisor_os": "linux",
        "uptime": int((timezone.now() - launched).total_seconds()),
        "config_drive": server.config_drive,
        "memory_details": {"maximum": memory["maximum"] // KIB_PER_MIB, "used": _used(memory) // KIB_PER_MIB},
        "cpu_details": [
            {"id": number, "time": time, "utilisation": None} for number, time in enumerate(counters["cpu_times_ns"])
        ],
        "nic_details": [_card(card) for card in counters["cards"]],
        "disk_details": [_disk(disk) for disk in counters["disks"]],
        "num_cpus": len(counters["cpu_times_ns"]),
        "num_nics": len(counters["cards"]),
        "num_disks": len(counters["disks"]),
    }


def of_libvirt(counters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flat document that Nova's libvirt driver gives below 2.48. Memory is in KiB."""
    document: dict[str, Any] = {f"cpu{n}_time": time for n, time in enumerate(counters["cpu_times_ns"])}
    for disk in counters["disks"]:
        for name, key in (
            ("read_req", "read_requests"), ("read", "read_bytes"), ("write_req", "write_requests"),
            ("write", "write_bytes"), ("errors", "errors"),
        ):  # fmt: skip
            document[f"{disk['target']}_{name}"] = disk[key]
    for card in counters["cards"]:
        for direction in _DIRECTIONS:
            document[f"{card['tap']}_{direction}"] = card[f"{direction}_octets"]
            for name in ("packets", "errors", "drop"):
                document[f"{card['tap']}_{direction}_{name}"] = card[f"{direction}_{name}"]
    memory = dict(counters["memory_kib"])
    document["memory"] = memory.pop("maximum")
    return document | {f"memory-{name}": value for name, value in memory.items()}


def _used(memory: Mapping[str, int]) -> int:
    """Return the memory that the guest uses, in KiB: only a guest with a balloon driver says it."""
    unused = memory.get("unused")
    return memory.get("actual", memory["maximum"]) - unused if unused is not None else 0


def _card(card: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {"mac_address": card["mac"]}
    for direction in _DIRECTIONS:
        document |= {
            f"{direction}_{name}": card[f"{direction}_{name}"] for name in ("octets", "errors", "drop", "packets")
        }
        document[f"{direction}_rate"] = None
    return document


def _disk(disk: Mapping[str, Any]) -> dict[str, Any]:
    names = ("read_bytes", "read_requests", "write_bytes", "write_requests")
    return {**{name: disk[name] for name in names}, "errors_count": disk["errors"]}
