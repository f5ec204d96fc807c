"""TPMs of guests: libvirt has the secret in its memory, swtpm the state; a copy of that is beside the server's disks.

The copy goes with the disks to another host. It is used where swtpm has no state of the server: there is none before
the first start, and none after libvirt has forgotten the domain.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from pathlib import Path

import libvirt

from workers.drivers.hypervisor.errors import SpawnFailed
from workers.drivers.hypervisor.libvirt.failures import is_absent
from workers.drivers.hypervisor.libvirt.xml.secret import Secret, TpmUsage
from workers.drivers.hypervisor.specs import ServerSpec
from workers.system import files

COPY = "tpm"  # in the server's directory
_STATES = Path("/var/lib/libvirt/swtpm")  # libvirt's own choice
_NAME = re.compile(r"tpm(1\.2|2)/[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MOST_BYTES = 4 << 20


def secret_id(server_id: str) -> str:
    """Return the UUID by which libvirt keeps the secret of a server's TPM."""
    return str(uuid.uuid5(uuid.UUID(server_id), "tpm"))


def lend(connection: libvirt.virConnect, server_id: str, secret: str) -> None:
    """Have libvirt know the secret, in its memory alone: the state that it encrypts is on the same disk."""
    usage = TpmUsage(name=f"tpm {server_id}")
    made = connection.secretDefineXML(Secret(uuid=secret_id(server_id), usage=usage, ephemeral=True).xml())
    made.setValue(secret.encode())


def prepare(connection: libvirt.virConnect, spec: ServerSpec, states: Path = _STATES) -> None:
    """Have the secret and the state before a server is powered on; nothing for one without a TPM."""
    if spec.hardware.tpm is None:
        return
    lend(connection, spec.id, spec.hardware.tpm.secret)
    copy, home = files.read(Path(spec.instance_dir) / COPY), states / spec.id
    if copy is None or any(home.glob("tpm*/*")):
        return
    try:
        contents = {name: base64.b64decode(text) for name, text in json.loads(copy).items()}
        if not all(_NAME.fullmatch(name) for name in contents):
            raise ValueError("a name that is none of a TPM's")
    except (AttributeError, TypeError, ValueError) as error:
        raise SpawnFailed("The state of the server's TPM cannot be read.", details=str(error)) from error
    for name, data in contents.items():  # libvirt gives them to swtpm's account
        files.make_directory(states, 0o711)
        files.make_directory(home, 0o711)
        files.make_directory((home / name).parent, 0o700)
        files.write(home / name, data, 0o600)


def keep(server_id: str, instance_dir: Path, states: Path = _STATES) -> None:
    """Copy the state beside the disks of a server that is off. Nothing for one without a TPM."""
    there = sorted(path for path in (states / server_id).glob("tpm*/*") if not path.name.startswith("."))
    contents = {str(path.relative_to(states / server_id)): path.read_bytes() for path in there if path.is_file()}
    state = {name: data for name, data in contents.items() if _NAME.fullmatch(name)}
    if not state or not instance_dir.is_dir() or sum(map(len, state.values())) > _MOST_BYTES:
        return
    text = json.dumps({name: base64.b64encode(data).decode() for name, data in state.items()})
    files.write(instance_dir / COPY, text.encode(), 0o600)


def forget(connection: libvirt.virConnect, server_id: str, states: Path = _STATES) -> None:
    """Remove secret and state of a server whose domain is gone. Absent is success."""
    try:
        connection.secretLookupByUUIDString(secret_id(server_id)).undefine()
    except libvirt.libvirtError as error:
        if not is_absent(error) and error.get_error_code() != libvirt.VIR_ERR_NO_SECRET:
            raise
    files.remove_tree(states / server_id)
