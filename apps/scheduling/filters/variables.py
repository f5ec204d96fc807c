"""Variables of hosts for queries and extra specs: Nova's names (nova/scheduler/host_manager.py, HostState)."""

from collections.abc import Callable, Mapping

from apps.scheduling.specs import HostState

Getter = Callable[[HostState], object]

# Attributes of hosts, which do not change between boots.
KINDS: Mapping[str, Getter] = {
    "hypervisor_type": lambda host: host.hypervisor_type,
    "hypervisor_version": lambda host: host.hypervisor_version,
}
AMOUNTS: Mapping[str, Getter] = {
    "free_ram_mb": lambda host: host.ram_free,
    "free_disk_mb": lambda host: host.disk_free * 1024,
    "total_usable_ram_mb": lambda host: host.ram_total,
    "total_usable_disk_gb": lambda host: host.disk_total,
    "vcpus_total": lambda host: host.vcpus_total,
    "vcpus_used": lambda host: host.vcpus_total - host.vcpus_free,
}
# A host's name and load: for operators only. Who may ask by it finds it out by asking.
INNER: Mapping[str, Getter] = {
    "num_instances": lambda host: host.servers,
    "num_io_ops": lambda host: host.io_ops,
    "failed_builds": lambda host: host.failed_builds,
    "host": lambda host: host.name,
    "nodename": lambda host: host.name,
    "hypervisor_hostname": lambda host: host.name,
}
OPEN: Mapping[str, Getter] = {**AMOUNTS, **KINDS}
EVERY: Mapping[str, Getter] = {**OPEN, **INNER}
