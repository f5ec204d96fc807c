"""This process's hosts and their drivers. Filled by the host agent before it takes work."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.scheduling import topologies
from workers.drivers.backup.base import BackupDriver
from workers.drivers.hypervisor.base import HypervisorDriver
from workers.drivers.network.base import NetworkDriver
from workers.drivers.storage.base import StorageDriver
from workers.drivers.volume.base import VolumeDriver
from workers.system.locks import KeyedLocks
from workers.system.paths import HostPaths


@dataclass(frozen=True, slots=True)
class HostDrivers:
    """The five drivers of one host, and where its files are."""

    host: str
    hypervisor: HypervisorDriver
    network: NetworkDriver
    storage: StorageDriver
    volume: VolumeDriver
    backup: BackupDriver
    paths: HostPaths


_hosts: dict[str, HostDrivers] = {}

# A host's own lock per subject: a database restart drops every lease while workers live, and a step that lost its
# lease must be over on the host before another one begins there.
subjects = KeyedLocks()


def lock_name(host: str, subject_type: str, subject_id: uuid.UUID) -> str:
    """Return the name of a host's own lock on a subject."""
    return f"{host} {subject_type} {subject_id}"


def serve(drivers: HostDrivers) -> None:
    """Let this process act on a host."""
    _hosts[drivers.host] = drivers


def drivers_for(host: str) -> HostDrivers | None:
    """Return the drivers of a host that this process serves, or None."""
    return _hosts.get(host)


def served() -> list[str]:
    return sorted(_hosts)


def state_directory(state_dir: Path, host: str) -> Path:
    """Return the directory that belongs to a host: ``<state>/hosts/<host>``."""
    return state_dir / "hosts" / host


def _cpus(name: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted(topologies.parse_cpus(text)))
    except ValueError:
        raise SystemExit(f"CELERITY_{name} is no set of processors, as in 2-5,^3: {text!r}") from None


def options_of(settings: Any, host: str) -> dict[str, Any]:
    """Return the options that a host's drivers are made with."""
    root = state_directory(settings.STATE_DIR, host)
    if settings.HYPERVISOR == "simulated":
        return {
            "host": host,
            "state_dir": str(settings.STATE_DIR / "simulated"),
            "plan_file": settings.SIMULATION_PLAN,
            "vcpus": settings.SIMULATED_HOST_VCPUS,
            "ram_mib": settings.SIMULATED_HOST_RAM_MIB,
            "disk_gib": settings.SIMULATED_HOST_DISK_GIB,
            "dedicated_cpus": _cpus("CPU_DEDICATED_SET", settings.CPU_DEDICATED_SET),
            "pci_devices": settings.PCI_DEVICES,
        }
    return {
        "host": host,
        "state_dir": str(root),
        "uri": settings.LIBVIRT_URI,
        "virt_type": settings.VIRT_TYPE,
        **settings.PROCESSOR,
        "dedicated_cpus": _cpus("CPU_DEDICATED_SET", settings.CPU_DEDICATED_SET),
        "shared_cpus": _cpus("CPU_SHARED_SET", settings.CPU_SHARED_SET),
        "pci_devices": settings.PCI_DEVICES,
        "switch": settings.SWITCH,
        "reserved_gib": settings.DISK_RESERVE_GIB,
        "backup_store": settings.BACKUP_STORE,
        "s3_endpoint": settings.S3_ENDPOINT,
        "s3_region": settings.S3_REGION,
        "s3_access_key": settings.S3_ACCESS_KEY,
        "s3_secret_key": settings.S3_SECRET_KEY,
        "ceph_conf": settings.CEPH_CONF,
        "ceph_user": settings.CEPH_USER,
        "ceph_keyring": settings.CEPH_KEYRING,
        "ceph_pool": settings.ROOT_STORE,
        "metadata_dir": str(root / "metadata"),
        "pki_dir": str(settings.STATE_DIR / "pki"),
        "controller_log": str(settings.STATE_DIR / "log" / "ovn-controller.log"),
    }
