"""Makes the drivers of the hosts that this process serves."""

from pathlib import Path
from typing import Any

from django.conf import settings

from apps.common import cloud_id
from apps.volumes.selectors import volumes as volume_rows
from workers import config
from workers.config import HostDrivers
from workers.drivers.backup import loader as backups
from workers.drivers.hypervisor import loader as hypervisors
from workers.drivers.network import loader as networks
from workers.drivers.storage import loader as storages
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.backends import Backends
from workers.drivers.volume.base import VolumeDriver
from workers.system.paths import HostPaths

FAMILIES = {"libvirt": ("libvirt", "ovn", "local", "local", "archive"), "simulated": ("simulated",) * 5}


def host_names() -> list[str]:
    """Return the hosts of this process: itself, or as many simulated ones as the settings say."""
    if settings.HYPERVISOR == "simulated":
        width = max(3, len(str(settings.SIMULATED_HOSTS)))
        names = [f"sim-{index + 1:0{width}d}" for index in range(settings.SIMULATED_HOSTS)]
        return [name for name in names if not settings.SERVED_HOSTS or name in settings.SERVED_HOSTS]
    return [settings.HOST_NAME]


def make(host: str) -> HostDrivers:
    """Make a host's five drivers; nothing is opened yet. Raises DriverNotFound, SpecInvalid."""
    names: Any = FAMILIES.get(settings.HYPERVISOR)
    if names is None:
        raise SystemExit(f"CELERITY_HYPERVISOR is {settings.HYPERVISOR!r}; it must be one of {', '.join(FAMILIES)}")
    hypervisor, network, storage, volume, backup = names
    if settings.ROOT_STORE:
        storage = {"local": "ceph", "simulated": "simulated-pool"}[storage]
    options = config.options_of(settings, host) | {"cloud": _cloud()}
    return HostDrivers(
        host=host,
        hypervisor=hypervisors.load(hypervisor, options),
        network=networks.load(network, options),
        storage=storages.load(storage, options),
        volume=_volumes(volume, options),
        backup=backups.load(backup, options),
        paths=HostPaths(
            Path(options["state_dir"]) if settings.HYPERVISOR != "simulated" else Path(options["state_dir"]) / host
        ),
    )


def _cloud() -> str:
    """Return what the cloud is called in a cluster: by its ID; what bears its URL was its own before it had one."""
    if not settings.ROOT_STORE and all(known["kind"] != "ceph" for known in settings.VOLUME_BACKENDS.values()):
        return str(settings.PUBLIC_URL)
    return f"{cloud_id.get()} {settings.PUBLIC_URL}"


def _volumes(name: str, options: dict[str, Any]) -> VolumeDriver:
    """Make the driver of the host's back ends: of one that is on the servers' disk alone, just that."""
    made: dict[str, VolumeDriver] = {}
    for backend, known in settings.VOLUME_BACKENDS.items():
        kind = known["kind"]
        values = {"backend": backend, "shared": kind != "local", "direct": kind == "ceph"}
        if known["path"]:
            values["ceph_pool" if kind == "ceph" else "volume_dir"] = known["path"]
        driver = "ceph" if (name, kind) == ("local", "ceph") else name
        made[backend] = volumes.load(driver, {**options, **values})
    return made[backend] if list(made) == ["local"] else Backends(made, volume_rows.backend_of)
