"""Records of backups: what a cloud needs to know of a backup that is in the store, as one text."""

import base64
import binascii
import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.common import audit
from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.common.identifiers import parse_uuid
from apps.quotas.services import reservations
from apps.volumes import exceptions, states
from apps.volumes.models import Backup, VolumeKey
from apps.volumes.selectors import quota_amounts
from apps.volumes.selectors import volume_keys as key_selectors
from apps.volumes.services import quotas, volume_keys

SERVICE = "cinder.backup.drivers.celerity"  # the form of the data, and of the record; clients look at its beginning
MAX_SIZE_GIB = 64 * 1024
MAX_SEALED = 1000  # characters


def export(*, backup: Backup) -> dict[str, str]:
    """Return the record of a backup. Raises InvalidBackup (400)."""
    if backup.status != states.AVAILABLE:
        raise exceptions.InvalidBackup(reason=f"Backup status must be available, not {backup.status}")
    values = {
        "id": str(backup.id),
        "parent_id": str(backup.parent_id) if backup.parent_id else None,
        "volume_id": str(backup.volume_id),
        "size": backup.size,
        "name": backup.name,
        "description": backup.description,
        "container": backup.container,
        "volume_facts": backup.volume_facts,
        "objects": backup.objects_count,
        "stored_bytes": backup.stored_bytes,
        "data_at": backup.data_at.isoformat(),
    }
    if (key := key_selectors.of_backup(backup_id=backup.id)) is not None:  # only a cloud with our volume keys opens it
        values["key"] = {"sealed": key.sealed, "cipher": key.cipher, "key_size": key.key_size}
    return {"backup_service": SERVICE, "backup_url": base64.urlsafe_b64encode(json.dumps(values).encode()).decode()}


@transaction.atomic
def import_record(*, context: RequestContext, service: str, url: str) -> Backup:
    """Write the row of a backup whose data is in the store; it belongs to the caller's project.

    A deleted backup of that ID gets its row again. Raises BadRequest and InvalidBackup (400), OverLimit (413).
    """
    if service != SERVICE:
        raise exceptions.InvalidBackup(reason=f"The record is of the service {service[:64]}, not of {SERVICE}")
    backup, key = _read(url)
    former = Backup.objects.select_related(None).filter(id=backup.id).first()
    if former is not None and former.deleted_at is None:
        raise exceptions.InvalidBackup(reason=f"Backup already exists in database: {backup.id}")
    if backup.parent_id and not Backup.objects.filter(id=backup.parent_id, deleted_at=None).exists():
        raise exceptions.InvalidBackup(reason=f"Import the backup {backup.parent_id} before: this one is based on it.")
    backup.project_id, backup.user_id = str(context.project_id), context.user_id or ""
    backup.availability_zone, backup.host = settings.DEFAULT_ZONE, former.host if former is not None else ""
    backup.status = states.AVAILABLE
    backup.save(force_insert=former is None, force_update=former is not None)
    if key is not None:
        key.backup = backup
        key.save(force_insert=True)
    audit.record("backup.import", "backup", backup.id)
    quotas.reserve(project_id=backup.project_id, each=quota_amounts.of_backup(backup), consumer=backup.id)
    reservations.commit(consumers=[backup.id])
    return backup


def _read(url: str) -> tuple[Backup, VolumeKey | None]:
    """Return the unsaved row that a record describes, and its key. Raises BadRequest and InvalidBackup (400)."""
    try:
        values: Any = json.loads(base64.urlsafe_b64decode(url.encode("ascii")))
        backup, key = _row(values), _key(values["key"]) if "key" in values else None
    except (binascii.Error, ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadRequest("Invalid input received: Can't parse backup record.") from None
    if key is not None and not volume_keys.is_readable(key.sealed):
        raise exceptions.InvalidBackup(
            reason="The backup is encrypted, and this cloud does not have the keys that open it."
        )
    return backup, key


def _key(values: dict[str, Any]) -> VolumeKey:
    sealed, cipher, key_size = values["sealed"], values["cipher"], values["key_size"]
    if not isinstance(sealed, str) or len(sealed) > MAX_SEALED or cipher != volume_keys.CIPHER:
        raise ValueError("a key")
    if key_size not in volume_keys.KEY_SIZES:
        raise ValueError("a key's size")
    return VolumeKey(sealed=sealed, cipher=cipher, key_size=key_size)


def _is_plain(text: Any) -> bool:
    if not isinstance(text, str) or len(text) > 255 or "\0" in text:
        return False
    text.encode()  # of half a surrogate pair, UnicodeEncodeError: a ValueError
    return True


def _row(values: dict[str, Any]) -> Backup:
    key, parent, volume = (parse_uuid(values[name] or "") for name in ("id", "parent_id", "volume_id"))
    size, objects, stored = (int(values[name]) for name in ("size", "objects", "stored_bytes"))
    texts = [values["name"], values["description"] or "", values["container"]]
    if key is None or volume is None or (values["parent_id"] and parent is None):
        raise ValueError("an id")
    if not (0 < size <= MAX_SIZE_GIB and 0 <= objects < 1 << 31 and 0 <= stored < 1 << 62):
        raise ValueError("a number")
    if not all(_is_plain(text) for text in texts):
        raise ValueError("a text")
    facts = values["volume_facts"]
    pairs = [item for name in ("metadata", "image_metadata") for item in facts.get(name, {}).items()]
    if not isinstance(facts.get("bootable", False), bool) or not all(
        _is_plain(text) for pair in pairs for text in pair
    ):
        raise ValueError("what the volume said")
    return Backup(
        id=key,
        parent_id=parent,
        volume_id=volume,
        size=size,
        name=values["name"],
        description=values["description"],
        container=values["container"],
        volume_facts={name: facts[name] for name in ("bootable", "metadata", "image_metadata") if name in facts},
        objects_count=objects,
        stored_bytes=stored,
        data_at=datetime.fromisoformat(values["data_at"]),
    )
