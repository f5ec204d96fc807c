"""Keys of encrypted volumes, on the host that opens the volume.

The first machine opens them by itself: it has the cloud's volume keys. Any other host asks it, for one volume, by a
connection on which it shows its certificate; so it does whenever it opens the volume, also after it was restarted.
"""

import uuid
from typing import TYPE_CHECKING

from apps.compute.selectors import volume_attachments
from apps.compute.states import SUBJECT as SERVER
from apps.identity.keys import InvalidToken, KeysMissing
from apps.networking.selectors import authorities
from apps.volumes import states
from apps.volumes.selectors import attachments, volumes
from apps.volumes.selectors import volume_keys as selectors
from apps.volumes.services import volume_keys as services
from apps.workflow.selectors import runs
from workers.drivers.volume.encryption import DiskKey, header_bytes
from workers.drivers.volume.errors import KeyUnavailable
from workers.mapping.peers import peer_of
from workers.system.peers import client
from workers.system.peers.errors import PeerError, PeerRefused

if TYPE_CHECKING:
    from apps.volumes.models import Volume, VolumeKey
    from apps.workflow.models import Run

PARTS = {"volume-key": False, "next-volume-key": True}  # of a request to the first machine
_ANSWER_BYTES = 1000
_OPEN = (states.ATTACHING, states.ATTACHED, states.DETACHING)
_ROLES = ("host", "source", "destination")  # not of the hosts that keep volumes for others
_WRITING = ("volume.create", "volume.migrate", "volume.reimage")  # on the host of the run itself, with the key


def of_volume(volume_id: uuid.UUID, *, is_next: bool = False) -> DiskKey:
    """Return the key of a volume; ``is_next``: that of the copy which a change of its type makes.

    Raises KeyUnavailable.
    """
    row = selectors.of_volume(volume_id=volume_id, is_next=is_next)
    if row is None:
        raise KeyUnavailable("The volume has no key.", details=str(volume_id))
    passphrase = _open(row) if services.can_open() else _ask(volume_id, is_next)
    return DiskKey(passphrase, row.key_size)


def has_next(volume_id: uuid.UUID) -> bool:
    """Return whether the copy which a change of the volume's type makes is encrypted."""
    return selectors.of_volume(volume_id=volume_id, is_next=True) is not None


def is_container(volume: "Volume") -> bool:
    """Return whether the volume is made of the image of an encrypted one, whose data is copied as it is."""
    row = selectors.of_volume(volume_id=volume.id) if volume.source_image_id is not None else None
    return row is not None and row.image_id == volume.source_image_id


def header_of(volume: "Volume") -> int:
    """Return the bytes that a volume takes in its pool beside its size; 0 of one that is not encrypted."""
    row = selectors.of_volume(volume_id=volume.id) if volume.encrypted else None
    return header_bytes(row.key_size) if row is not None else 0


def answer(host: str, volume_id: str, part: str) -> bytes:
    """Return the passphrase that another host asks for. Raises PeerRefused: it has nothing to do with the volume now,
    or the keys are not here.
    """
    try:
        key = uuid.UUID(volume_id)
        row = selectors.of_volume(volume_id=key, is_next=PARTS[part]) if _may_have(host, key) else None
        if row is None or not services.can_open():
            raise PeerRefused("The volume's key is not for this host.", details=f"{volume_id} for {host}")
        return _open(row).encode()
    except (ValueError, KeyError, KeyUnavailable) as error:
        raise PeerRefused("The volume's key cannot be had.", details=str(error)) from error


def _may_have(host: str, volume_id: uuid.UUID) -> bool:
    """Whether a server on the host has the volume, the host writes it, or is one between which its server moves."""
    rows, volume = attachments.of_volume(volume_id=volume_id), volumes.load(volume_id=volume_id)
    if volume is None:
        return False
    if any(row.by_compute and row.server_id and row.host == host and row.status in _OPEN for row in rows):
        return True
    run = runs.active_of(subject_type=states.SUBJECT, subject_id=volume_id)
    active = [run] if run is not None and run.pipeline in _WRITING else []
    for key in volume_attachments.servers_of(volume_id=volume_id):
        if (run := runs.active_of(subject_type=SERVER, subject_id=key)) is not None:
            active.append(run)
    return any(host in _hosts_of(run) for run in active)


def _hosts_of(run: "Run") -> set[str]:
    """Return the hosts that a run works on; one of a single host keeps no roles."""
    return {name for role in _ROLES if (name := run.hosts.get(role))} if run.hosts else {run.host}


def _open(row: "VolumeKey") -> str:
    try:
        return services.passphrase_of(row)
    except (InvalidToken, KeysMissing) as error:
        raise KeyUnavailable(
            "The volume's key cannot be opened with the keys of this cloud.",
            details=f"{row.id}: {type(error).__name__}",
        ) from error


def _ask(volume_id: uuid.UUID, is_next: bool) -> str:
    """Ask the first machine."""
    authority = authorities.host()
    part = next(name for name, value in PARTS.items() if value == is_next)
    try:
        if not authority:
            raise PeerRefused("No host of the cloud has said that it has the authority.")
        return client.read(peer_of(authority), str(volume_id), part, _ANSWER_BYTES).decode()
    except PeerError as error:
        details = f"{error.message} {error.details}"
        raise KeyUnavailable("The host that has the cloud's volume keys does not answer.", details=details) from error
