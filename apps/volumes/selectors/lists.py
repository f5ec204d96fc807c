"""Filtering the volume service's lists by their queries: one table for each resource.

Filters that are unknown, or for administrators alone, are ignored here; views refuse them since 3.31, as Cinder does.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from apps.common import substrings
from apps.common.api import queries
from apps.common.api.queries import QueryStyle
from apps.common.identifiers import parse_uuid
from apps.volumes.exceptions import InvalidInput

NOBODY = uuid.UUID(int=0)
LONGEST = 4096  # characters of a filter by metadata
Params = Mapping[str, Sequence[str]]
Read = Callable[[str, str, QueryStyle], Any]


def _plain(text: str, name: str, style: QueryStyle) -> str:
    return text


def _id(text: str, name: str, style: QueryStyle) -> uuid.UUID:
    return parse_uuid(text) or NOBODY


def _host(text: str, name: str, style: QueryStyle) -> str:
    return text.partition("@")[0]


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
    "group_id": ("group_id", _id),
    "migration_status": ("migration_status", _plain),
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
MESSAGES: dict[str, tuple[str, Read]] = {
    "resource_uuid": ("resource_id", _id),
    "resource_type": ("resource_type", _plain),
    "event_id": ("event_id", _plain),
    "request_id": ("request_id", _plain),
}
GROUPS: dict[str, tuple[str, Read]] = {
    "id": ("id", _id),
    "name": ("name", _plain),
    "description": ("description", _plain),
    "status": ("state", _plain),
    "group_type_id": ("group_type_id", _id),
    "availability_zone": ("availability_zone", _plain),
    "user_id": ("user_id", _plain),
}
GROUP_SNAPSHOTS: dict[str, tuple[str, Read]] = {
    "id": ("id", _id),
    "name": ("name", _plain),
    "description": ("description", _plain),
    "status": ("state", _plain),
    "group_id": ("group_id", _id),
    "group_type_id": ("group__group_type_id", _id),
    "user_id": ("user_id", _plain),
}
TRANSFERS: dict[str, tuple[str, Read]] = {
    "id": ("id", _id),
    "name": ("name", _plain),
    "display_name": ("name", _plain),
    "volume_id": ("volume_id", _id),
}
TYPES: dict[str, tuple[str, Read]] = {"name": ("name", _plain), "description": ("description", _plain)}
TABLES = {
    "volume": VOLUMES,
    "snapshot": SNAPSHOTS,
    "backup": BACKUPS,
    "attachment": ATTACHMENTS,
    "message": MESSAGES,
    "group": GROUPS,
    "group_snapshot": GROUP_SNAPSHOTS,
    "transfer": TRANSFERS,
    "volume_type": TYPES,
    "pool": {},
}
# The names of other filters: of mappings, of what is the same for all rows, and those that views apply themselves.
MORE = {
    "volume": ("metadata", "glance_metadata", "consumes_quota"),
    "snapshot": ("metadata", "consumes_quota"),
    "message": ("message_level",),
    "volume_type": ("is_public", "extra_specs"),
    "pool": ("name", "volume_type"),
}
# What administrators that ask for all projects may filter by; they always see the messages of all.
_OF_PROJECT: dict[str, tuple[str, Read]] = {"project_id": ("project_id", _plain)}
OF_ADMINS: dict[str, dict[str, tuple[str, Read]]] = {
    "volume": {**_OF_PROJECT, "host": ("host", _host)},
    **dict.fromkeys(("snapshot", "backup", "group", "group_snapshot", "transfer", "message"), _OF_PROJECT),
    "attachment": {"project_id": ("volume__project_id", _plain)},
}
MAPPINGS = {"metadata": "metadata", "glance_metadata": "image_metadata", "extra_specs": "extra_specs"}  # -> column
CONSTANTS: dict[str, tuple[object, Read]] = {"consumes_quota": (True, _word), "message_level": ("ERROR", _plain)}
TIMES = ("created_at", "updated_at")
COMPARISONS = {"gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte", "eq": "exact", "neq": ""}


def names(resource: str, *, since: Mapping[str, bool], all_projects: bool = False) -> list[str]:
    """Return the filters of a resource's list. ``since`` says which of them the microversion has; the others it has."""
    table = TABLES[resource]
    known = [name for name in (*table, *MORE.get(resource, ())) if since.get(name, True)]
    known += TIMES if since.get("times") else ()
    known += [f"{name}~" for name in _similar(resource)] if since.get("similar") else ()
    return known + (list(OF_ADMINS.get(resource, ())) if all_projects else [])


def narrow(
    resource: str,
    rows: QuerySet[Any],
    asked: Params,
    style: QueryStyle,
    *,
    since: Mapping[str, bool],
    all_projects: bool = False,
) -> QuerySet[Any]:
    """Narrow a list. ``since`` says which filters the microversion has. Raises BadRequest (400)."""
    table = {**TABLES[resource], **(OF_ADMINS.get(resource, {}) if all_projects else {})}
    for name in names(resource, since=since, all_projects=all_projects):
        if name not in asked:
            continue
        if name in table:
            column, read = table[name]
            values = [read(text, name, style) for text in asked[name][: queries.MAX_VALUES]]
            rows = rows.filter(**{f"{column}__in": values})
        elif name in MAPPINGS:
            rows = rows.filter(**{f"{MAPPINGS[name]}__contains": mapping(asked, name)})
        elif name in CONSTANTS:
            value, read = CONSTANTS[name]
            if value not in [read(text, name, style) for text in asked[name][: queries.MAX_VALUES]]:
                rows = rows.none()
        elif name in TIMES:
            rows = _by_times(rows, asked[name], name, style)
        elif name.endswith("~") and asked[name][-1]:
            column = table[name.removesuffix("~")][0]
            rows = rows.filter(substrings.contains(column, asked[name][-1]))
    return rows


def _similar(resource: str) -> list[str]:
    """Return the names that find a part of a text with a tilde behind: those of the resource's own texts."""
    return [name for name, (column, read) in TABLES[resource].items() if read is _plain and "__" not in column]


def mapping(asked: Params, name: str) -> dict[str, str]:
    """Return a filter by a mapping, which clients write as Python or as JSON: ``{'key': 'value'}``. An empty text is
    an empty one. Raises InvalidInput (400).
    """
    text = asked[name][-1] if asked[name] else ""
    items = _mapping(text or "{}") if len(text) <= LONGEST else None
    if items is None:
        raise InvalidInput(reason=f"the filter {name} must be a mapping of texts to texts, not {text[:64]}")
    return items


def _mapping(text: str) -> dict[str, str] | None:
    for attempt in (text, text.replace("u'", "'").replace("'", '"')):
        try:
            value = json.loads(attempt)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
            return value
    return None


def _by_times(rows: QuerySet[Any], asked: Sequence[str], name: str, style: QueryStyle) -> QuerySet[Any]:
    """Filter by times with operators: ``created_at=gt:2026-01-01T00:00:00,lt:…`` (3.60)."""
    for part in ",".join(asked).split(","):
        operator, text = queries.operator(part.strip(), COMPARISONS)
        moment = style.time(text, name)
        lookup = COMPARISONS[operator or "eq"]
        rows = rows.filter(**{f"{name}__{lookup}": moment}) if lookup else rows.exclude(**{name: moment})
    return rows
