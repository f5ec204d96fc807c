"""What a server's hardware does not allow to be done with it."""

from apps.compute import topologies, tpms
from apps.compute.exceptions import NotWithThisHardware
from apps.compute.models import Server

# They leave the state of the TPM behind, or would carry it along a way that there is not.
_NOT_WITH_TPM = ("live-migration", "evacuate", "shelve")


def check_action(*, server: Server, action: str) -> None:
    """Raise NotWithThisHardware (409) where the server's devices bind it to its host."""
    specs = server.flavor.get("extra_specs") or {}
    if action == "live-migration" and topologies.of(server.flavor, server.image_properties) is not None:
        raise NotWithThisHardware(action=action, hardware="NUMA", server=server.id)
    if action in _NOT_WITH_TPM and tpms.of(specs, server.image_properties) is not None:
        raise NotWithThisHardware(action=action, hardware="vTPM", server=server.id)
