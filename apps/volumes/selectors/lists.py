"""Filtering the lists of volumes, snapshots, backups and attachments by their queries.

As in Cinder, filters that are unknown, or for administrators alone, are ignored.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Model, Q, QuerySet

from apps.common import substrings
from apps.common.api import queries
from apps.common.api.queries import QueryStyle
from apps.common.identifiers import parse_uuid
from apps.volumes.exceptions import InvalidInput
from apps.volumes.models import Attachment, Backup, Snapshot, Volume

NOBODY = uuid.UUID(int=0)
LONGEST = 4096  # characters of a filter by metadata
Params = Mapping[str, Sequence[str]]
Read = Callable[[str, str, QueryStyle], Any]


def _plain(text: str, name: str, style: QueryStyle) -> str:
    return text


def _id(text: str, name: str, style: QueryStyle) -> uuid.UUID:
    return parse_uuid(text) or NOBODY


def _word(text: str, name: str, style: QueryStyle) -> bool:
    return style.boolean(text, name)


def _number(text: str, name: str, style: QueryStyle) -> int:
    return style.whole(text, name)


# parameter -> (column, how its text is read)
VOLUMES: dict[str, tuple[str, Read]] = {
    "id": ("id", _id),
    "name": ("name", _plain),
    "display_name": ("name", _plain),
    "description": ("description", _plain),
    "status": ("status", _plain),
    "size": ("size", _number),
    "bootable": ("bootable", _word),
    "multiattach": ("multiattach", _word),
    "availability_zone": ("availability_zone", _plain),
    "volume_type_id": ("volume_type_id", _id),
    "volume_type": ("volume_type__name", _plain),
    "snapshot_id": ("source_snapshot_id", _id),
    "source_volid": ("source_volume_id", _id),
    "user_id": ("user_id", _plain),
}
SNAPSHOTS: dict[str, tuple[str, Read]] = {
    "id": ("id", _id),
    "name": ("name", _plain),
    "display_name": ("name", _plain),
    "description": ("description", _plain),
    "status": ("status", _plain),
    "volume_id": ("volume_id", _id),
    "volume_size": ("size", _number),
    "availability_zone": ("volume__availability_zone", _plain),
    "user_id": ("user_id", _plain),
}
BACKUPS: dict[str, tuple[str, Read]] = {
    "id": ("id", _id),
    "name": ("name", _plain),
    "status": ("status", _plain),
    "volume_id": ("volume_id", _id),
    "snapshot_id": ("snapshot_id", _id),
    "size": ("size", _number),
    "container": ("container", _plain),
    "availability_zone": ("availability_zone", _plain),
}
ATTACHMENTS: dict[str, tuple[str, Read]] = {
    "id": ("id", _id),
    "volume_id": ("volume_id", _id),
    "instance_id": ("server_id", _id),
    "instance_uuid": ("server_id", _id),
    "status": ("status", _plain),
    "attach_status": ("status", _plain),
}
OF_ADMINS: dict[str, tuple[str, Read]] = {"project_id": ("project_id", _plain)}
SIMILAR = ("name", "display_name", "description", "status", "availability_zone")  # with a tilde behind: a part of it
TIMES = ("created_at", "updated_at")
COMPARISONS = {"gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte", "eq": "exact", "neq": ""}


def volumes(
    rows: QuerySet[Volume], asked: Params, style: QueryStyle, *, all_projects: bool, since: Mapping[str, bool]
) -> QuerySet[Volume]:
    """Narrow a list of volumes. ``since`` says which filters the microversion has. Raises BadRequest (400)."""
    rows = _by_columns(rows, asked, style, VOLUMES, all_projects)
    if all_projects and asked.get("host"):
        rows = rows.filter(host=asked["host"][-1].partition("@")[0])
    rows = _by_items(rows, asked, "metadata", "metadata")
    if since.get("glance_metadata"):
        rows = _by_items(rows, asked, "glance_metadata", "image_metadata")
    if asked.get("group_id"):
        rows = rows.filter(group_id=parse_uuid(asked["group_id"][-1]) or NOBODY)
    return _by_similarity(_by_times(rows, asked, style, since), asked, since)


def snapshots(
    rows: QuerySet[Snapshot], asked: Params, style: QueryStyle, *, all_projects: bool, since: Mapping[str, bool]
) -> QuerySet[Snapshot]:
    """Narrow a list of snapshots. Raises BadRequest (400)."""
    rows = _by_columns(rows, asked, style, SNAPSHOTS, all_projects)
    if since.get("metadata"):
        rows = _by_items(rows, asked, "metadata", "metadata")
    return _by_similarity(_by_times(rows, asked, style, since), asked, since)


def backups(rows: QuerySet[Backup], asked: Params, style: QueryStyle, *, all_projects: bool) -> QuerySet[Backup]:
    """Narrow a list of backups. Raises BadRequest (400)."""
    return _by_columns(rows, asked, style, BACKUPS, all_projects)


def attachments(rows: QuerySet[Attachment], asked: Params, style: QueryStyle) -> QuerySet[Attachment]:
    """Narrow a list of attachments. Raises BadRequest (400)."""
    return _by_columns(rows, asked, style, ATTACHMENTS, False)


def _by_columns(
    rows: QuerySet[Any], asked: Params, style: QueryStyle, table: Mapping[str, tuple[str, Read]], all_projects: bool
) -> QuerySet[Any]:
    for name, (column, read) in {**table, **(OF_ADMINS if all_projects else {})}.items():
        if name in asked:
            values = [read(text, name, style) for text in asked[name][: queries.MAX_VALUES]]
            rows = rows.filter(**{f"{column}__in": values})
    return rows


def _by_items(rows: QuerySet[Any], asked: Params, name: str, column: str) -> QuerySet[Any]:
    """Filter by a mapping, which clients write as Python or as JSON: ``{'key': 'value'}``."""
    if not asked.get(name):
        return rows
    text = asked[name][-1][:LONGEST]
    items = _mapping(text) if len(asked[name][-1]) <= LONGEST else None
    if items is None:
        raise InvalidInput(reason=f"the filter {name} must be a mapping of texts to texts, not {text[:64]}")
    return rows.filter(**{f"{column}__contains": items})


def _mapping(text: str) -> dict[str, str] | None:
    for attempt in (text, text.replace("u'", "'").replace("'", '"')):
        try:
            value = json.loads(attempt)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
            return value
    return None


def _by_times(rows: QuerySet[Any], asked: Params, style: QueryStyle, since: Mapping[str, bool]) -> QuerySet[Any]:
    """Filter by times with operators: ``created_at=gt:2026-01-01T00:00:00,lt:…`` (3.60)."""
    for name in TIMES if since.get("times") else ():
        for part in ",".join(asked.get(name, ())).split(",") if name in asked else ():
            operator, text = queries.operator(part.strip(), COMPARISONS)
            moment = style.time(text, name)
            lookup = COMPARISONS[operator or "eq"]
            rows = rows.filter(**{f"{name}__{lookup}": moment}) if lookup else rows.exclude(**{name: moment})
    return rows


def _by_similarity(rows: QuerySet[Any], asked: Params, since: Mapping[str, bool]) -> QuerySet[Any]:
    """Filter by parts of a text: ``name~=data`` (3.34)."""
    condition = Q()
    for name in SIMILAR if since.get("similar") else ():
        if asked.get(f"{name}~"):
            column = "name" if name == "display_name" else name
            if _has(rows.model, column):
                condition &= Q(substrings.contains(column, asked[f"{name}~"][-1]))
    return rows.filter(condition)


def _has(model: type[Model], column: str) -> bool:
    return any(field.name == column for field in model._meta.concrete_fields)
