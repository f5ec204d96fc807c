"""Keys of encrypted volumes: made with the volume, copied with its data, gone with it.

A key is a passphrase, encrypted with separate keys (``volume-keys``), which API processes and the agent of the first
machine have, and no other host. What a pool keeps of a volume is encrypted. A copy of it, a clone or a backup, is
opened by the same passphrase, and has its own row.
"""

import secrets
import uuid

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.common.exceptions import Unavailable
from apps.identity import keys
from apps.images.selectors import images
from apps.volumes import exceptions, locks
from apps.volumes.models import Backup, EncryptionType, Volume, VolumeKey, VolumeType
from apps.volumes.selectors import snapshots, volume_types
from apps.volumes.selectors import volume_keys as selectors

NO_KEYS = "The keys of encrypted volumes are not on this host of the API."
CIPHER = "aes-xts-plain64"
KEY_SIZES = (256, 512)  # bits: XTS takes two keys, of AES-128 and AES-256
FRONT_END = "front-end"
KEY_PREFIX = "cinder_encryption_key_"
KEY_PROPERTY = f"{KEY_PREFIX}id"  # of images of encrypted volumes


def check_offered(encryption: EncryptionType) -> None:
    """Raise InvalidInput (400) for a way to encrypt that hosts do not have."""
    provider, key_size = encryption.provider, encryption.key_size or KEY_SIZES[-1]
    is_luks = provider == "luks" or provider.endswith("LuksEncryptor")
    cipher = encryption.cipher or CIPHER
    if not is_luks or encryption.control_location != FRONT_END or cipher != CIPHER or key_size not in KEY_SIZES:
        raise exceptions.InvalidInput(
            reason="the encryption of the volume type is not offered: the provider has to be luks, the control "
            f"location {FRONT_END}, the cipher {CIPHER}, the key size {' or '.join(map(str, KEY_SIZES))}"
        )


def check_type(volume_type: VolumeType | None, *, multiattach: bool) -> bool:
    """Return whether volumes of a type are encrypted. Raises InvalidInput (400). At most 1 query."""
    encryption = volume_types.encryption_read_with(volume_type) if volume_type is not None else None
    if encryption is None:
        return False
    check_offered(encryption)
    if multiattach:
        raise exceptions.InvalidInput(reason="a volume that several servers may have cannot be encrypted")
    return True


def check_still(*, volume: Volume) -> None:
    """Raise InvalidVolume (400) where the type began or ceased to encrypt since it was looked at. 1 query.

    The volume's row is written: from now on the type does not change.
    """
    kind = volume.volume_type
    encrypts = kind is not None and volume_types.encryption_of(volume_type=kind) is not None
    if encrypts != volume.encrypted:
        raise exceptions.InvalidVolume(reason="The encryption of the volume type has changed; try again.")


def check_copy(*, is_source: bool, is_copy: bool, what: str) -> None:
    """Raise InvalidInput (400) where only one of the two is encrypted: the data is copied as it is."""
    if is_source != is_copy:
        this, that = ("is", "is not") if is_source else ("is not", "is")
        raise exceptions.InvalidInput(
            reason=f"Invalid volume_type provided: the {what} {this} encrypted, and a volume of the type {that}"
        )


def make(*, volume: Volume) -> None:
    """Make the key of a new encrypted volume, in the caller's transaction: its source's, or a new one.

    Raises InvalidVolume (400).
    """
    is_copy = bool(volume.source_volume_id or volume.source_snapshot_id or volume.source_backup_id)
    source = _source(volume)
    if source is not None:
        copy(key=source, volume=volume, image_id=volume.source_image_id)
    elif not is_copy:
        encryption = _encryption(volume)
        cipher, key_size = _parameters(encryption)
        sealed = _seal(secrets.token_hex(32))
        VolumeKey.objects.create(volume=volume, sealed=sealed, cipher=cipher, key_size=key_size)
    else:
        raise exceptions.InvalidVolume(reason="The source has no key: it was made before this cloud encrypted volumes.")


def differs(*, volume: Volume, volume_type: VolumeType) -> bool:
    """Return whether volumes of the type are encrypted otherwise than the volume is. At most 2 queries."""
    encryption = volume_types.encryption_of(volume_type=volume_type)
    if encryption is None or not volume.encrypted:
        return (encryption is not None) != volume.encrypted
    key = selectors.of_volume(volume_id=volume.id)
    return key is None or (key.cipher, key.key_size) != _parameters(encryption)


def prepare_next(*, volume: Volume, volume_type: VolumeType) -> None:
    """Make the key of the copy that a change to this type makes, in the caller's transaction, if it is encrypted.

    The passphrase stays where there is one: the host that copies the data needs both keys.
    """
    discard_next(volume_id=volume.id)
    encryption = volume_types.encryption_of(volume_type=volume_type)
    if encryption is not None:
        key = selectors.of_volume(volume_id=volume.id)
        cipher, key_size = _parameters(encryption)
        sealed = key.sealed if key is not None else _seal(secrets.token_hex(32))
        VolumeKey.objects.create(volume=volume, is_next=True, sealed=sealed, cipher=cipher, key_size=key_size)


def _encryption(volume: Volume) -> EncryptionType:
    kind = volume.volume_type
    encryption = volume_types.encryption_of(volume_type=kind) if kind is not None else None
    if encryption is None:
        raise exceptions.InvalidVolume(reason="The volume type is not encrypted any more.")
    return encryption


def _parameters(encryption: EncryptionType) -> tuple[str, int]:
    """Return the cipher, and the key's size in bits."""
    return encryption.cipher or CIPHER, encryption.key_size or KEY_SIZES[-1]


def _source(volume: Volume) -> VolumeKey | None:
    if volume.source_backup_id is not None:
        return selectors.of_backup(backup_id=volume.source_backup_id)
    if volume.source_image_id is not None:
        key = selectors.of_image(image_id=volume.source_image_id)
        if key is None and images.gone(image_ids=[volume.source_image_id], before=timezone.now()):
            raise exceptions.InvalidVolume(reason="The image was deleted.")  # its key, if it had one, goes with it
        return key
    source_id = volume.source_volume_id
    if volume.source_snapshot_id is not None:
        snapshot = snapshots.load(snapshot_id=volume.source_snapshot_id)
        source_id = snapshot.volume_id if snapshot is not None else None
    return selectors.of_volume(volume_id=source_id) if source_id is not None else None


def copy(
    *,
    key: VolumeKey,
    volume: Volume | None = None,
    backup: Backup | None = None,
    image_id: uuid.UUID | None = None,
    key_id: uuid.UUID | None = None,
) -> VolumeKey:
    """Give a volume, a backup or an image the key of the data that it gets a copy of."""
    facts = {"sealed": key.sealed, "cipher": key.cipher, "key_size": key.key_size}
    return VolumeKey.objects.create(id=key_id or uuid.uuid4(), volume=volume, backup=backup, image_id=image_id, **facts)


def properties_of(key_id: uuid.UUID | None) -> dict[str, str]:
    """Return how users know an image with this key. What properties say binds nobody: it is the row that opens data."""
    if key_id is None:
        return {}
    return {KEY_PROPERTY: str(key_id), f"{KEY_PREFIX}deletion_policy": "on_image_deletion"}


def give_to_image(*, volume: Volume, image_id: uuid.UUID, key_id: uuid.UUID | None) -> None:
    """Copy the key of a volume, whose lock the caller holds, for an image of it. None: it is in clear text.

    Raises InvalidVolume (400).
    """
    key = selectors.of_volume(volume_id=volume.id) if volume.encrypted else None
    if (key is None) != (key_id is None):
        raise exceptions.InvalidVolume(reason=f"Volume {volume.id} has no key, or gets one now; try again.")
    if key is not None:
        copy(key=key, image_id=image_id, key_id=key_id)


def fits(*, volume: Volume, backup: Backup) -> bool:
    """Return whether a backup's data, as it is, can be the volume's: its header has to be as large."""
    ours = selectors.of_volume(volume_id=volume.id) if volume.encrypted else None
    theirs = selectors.of_backup(backup_id=backup.id)
    if ours is None or theirs is None:
        return theirs is None and not volume.encrypted
    return (ours.cipher, ours.key_size) == (theirs.cipher, theirs.key_size)


def is_of_backup(*, volume: Volume, backup: Backup) -> bool:
    """Return whether a volume and a backup of the same kind (``fits``) have one passphrase.

    Raises Unavailable (503).
    """
    ours = selectors.of_volume(volume_id=volume.id) if volume.encrypted else None
    theirs = selectors.of_backup(backup_id=backup.id)
    if ours is None or theirs is None:
        return ours is theirs
    try:
        return passphrase_of(ours) == passphrase_of(theirs)
    except (keys.InvalidToken, keys.KeysMissing):
        raise Unavailable(NO_KEYS) from None


def replace_by_backups(*, volume_id: uuid.UUID, backup_id: uuid.UUID) -> None:
    """The volume has a backup's data, and is opened by the backup's key."""
    key = selectors.of_backup(backup_id=backup_id)
    if key is not None:
        values = {"sealed": key.sealed, "cipher": key.cipher, "key_size": key.key_size}
        VolumeKey.objects.filter(volume_id=volume_id, is_next=False).update(**values)


def switch(*, volume_id: uuid.UUID) -> bool:
    """The volume has the data of the copy, and its key, if it has one. Returns whether the volume is encrypted now."""
    VolumeKey.objects.filter(volume_id=volume_id, is_next=False).delete()
    return bool(VolumeKey.objects.filter(volume_id=volume_id, is_next=True).update(is_next=False))


@transaction.atomic
def discard_left(*, owner_id: uuid.UUID) -> bool:
    """Remove the keys that a volume, a backup or an image should not have. Returns whether there were some."""
    locks.volume(owner_id)
    if owner_id not in selectors.left():
        return False
    volume = Volume.objects.filter(id=owner_id).first()
    of_image = Q(image_id=owner_id, volume=None, backup=None)
    rows = VolumeKey.objects.filter(Q(volume_id=owner_id) | Q(backup_id=owner_id) | of_image)
    is_used = volume is not None and volume.deleted_at is None and volume.encrypted
    (rows.filter(is_next=True) if is_used else rows).delete()
    return True


def discard_next(*, volume_id: uuid.UUID) -> None:
    """No copy is made any more. Absent is success."""
    VolumeKey.objects.filter(volume_id=volume_id, is_next=True).delete()


def delete(*, volume_id: uuid.UUID | None = None, backup_id: uuid.UUID | None = None) -> None:
    """The data is gone, and nothing opens remains of it. Absent is success."""
    wanted = Q(volume_id=volume_id) if volume_id is not None else Q(backup_id=backup_id, backup_id__isnull=False)
    VolumeKey.objects.filter(wanted).delete()


def can_open() -> bool:
    """Return whether this process has the keys: the first machine's processes, and other API processes."""
    return bool(settings.VOLUME_KEY_DIR.is_dir())


def passphrase_of(key: VolumeKey) -> str:
    """Return the passphrase in clear text. Raises InvalidToken, KeysMissing."""
    return keys.unseal(key.sealed, settings.VOLUME_KEY_DIR).decode()


def is_readable(sealed: str) -> bool:
    """Return whether the present keys open a passphrase. 0 queries."""
    try:
        keys.unseal(sealed, settings.VOLUME_KEY_DIR)
    except (keys.InvalidToken, keys.KeysMissing, ValueError):
        return False
    return True


def unreadable() -> list[uuid.UUID]:
    """Return the keys whose passphrase the present keys do not open; none in a process without keys. 1 query."""
    rows = VolumeKey.objects.order_by("id") if can_open() else VolumeKey.objects.none()
    return [row.id for row in rows if not is_readable(row.sealed)]


@transaction.atomic
def rotate() -> int:
    """Create a new key and encrypt every passphrase with it. Returns their number. The volumes' data is not changed.

    No key is dropped: it may be needed still, by a row that is written meanwhile, or if this is cut short, or by the
    record of a backup. Raises Unavailable for a passphrase that the present keys do not open; then nothing changes.
    """
    rows = locks.volume_keys()
    if lost := [row for row in rows if not is_readable(row.sealed)]:
        raise Unavailable(f"{len(lost)} passphrases cannot be opened, the first is that of {lost[0]}: no key was made.")
    opened = [passphrase_of(row) for row in rows]
    keys.rotate(settings.VOLUME_KEY_DIR, keep=True)
    for row, passphrase in zip(rows, opened, strict=True):
        row.sealed = _seal(passphrase)
    VolumeKey.objects.bulk_update(rows, ["sealed"], batch_size=500)
    return len(rows)


def _seal(passphrase: str) -> str:
    """Raises Unavailable (503)."""
    try:
        return keys.seal(passphrase.encode(), settings.VOLUME_KEY_DIR)
    except keys.KeysMissing:
        raise Unavailable(NO_KEYS) from None
