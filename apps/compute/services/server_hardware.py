"""What a server's hardware does not allow to be done with it."""

from apps.compute.exceptions import NotWithThisHardware
from apps.compute.models import Server
from apps.compute.selectors import server_hardware

# They leave the state of the TPM behind, or would carry it along a way that there is not.
_NOT_WITH_TPM = ("live-migration", "evacuate", "shelve")
_NOT_WITH_DEVICES = ("live-migration", "suspend")  # whose state QEMU cannot read


def check_action(*, server: Server, action: str) -> None:
    """Raise NotWithThisHardware (409) where the server's devices bind it to its host."""
    if action in _NOT_WITH_DEVICES and server_hardware.has_devices(server):
        raise NotWithThisHardware(action=action, hardware="PCI", server=server.id)
    if action in _NOT_WITH_TPM and server_hardware.has_tpm(server):
        raise NotWithThisHardware(action=action, hardware="vTPM", server=server.id)
