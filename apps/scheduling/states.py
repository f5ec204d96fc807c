"""What filters and weighers look at: plain data, no models."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """A host as the scheduler sees it. Free amounts already count allocation ratios and reserves."""

    id: str
    name: str
    zone: str
    enabled: bool
    up: bool
    vcpus_free: int
    ram_free: int
    disk_free: int
    arch: str
    hypervisor_type: str
    virt_type: str
    hypervisor_version: int = 0
    traits: frozenset[str] = frozenset()
    servers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a server needs: vCPUs, RAM in MiB, disk in GiB, and where it may go."""

    vcpus: int
    ram_mib: int
    disk_gib: int
    zone: str | None = None
    force_host: str | None = None
    ignore_hosts: frozenset[str] = frozenset()
    image_properties: Mapping[str, str] = field(default_factory=dict)
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, object] = field(default_factory=dict)
    project_id: str = ""
