"""What of a server's hardware binds it to its host while it runs."""

from apps.compute import topologies, tpms
from apps.compute.models import Server


def has_tpm(server: Server) -> bool:
    return tpms.of_existing(server.flavor.get("extra_specs") or {}, server.image_properties) is not None


def has_devices(server: Server) -> bool:
    """Whether it has PCI devices of its host."""
    asked = topologies.of_existing(server.flavor, server.image_properties)
    return asked is not None and bool(asked.devices)


def bound(server: Server) -> str:
    """Return what it is, in words; "": nothing does."""
    if has_devices(server):
        return "PCI devices"
    return "a TPM" if has_tpm(server) else ""
