"""How Cinder's lists are read: words, filters by microversion, sort keys, limits, markers and refusals."""

from dataclasses import replace

from apps.common import microversions
from apps.common.api.collections import Listing
from apps.common.api.queries import QueryStyle, Sorting, refusal
from apps.common.exceptions import NotFound
from apps.common.microversions import Version
from apps.volumes.selectors import lists

_INVALID = "Invalid input received: {name} '{value}'"
STYLE = QueryStyle(
    true=frozenset({"1", "t", "true", "on", "y", "yes"}),
    false=frozenset({"0", "f", "false", "off", "n", "no"}),
    not_boolean=refusal(f"{_INVALID} is not a boolean."),
    not_time=refusal(f"{_INVALID} is not a date and time."),
    not_number=refusal(f"{_INVALID} is not an integer >= 0."),
    not_limit=refusal("{name} param must be an integer >= 0, not '{value}'"),
    no_marker=refusal("marker [{value}] not found", NotFound),
    no_sort_key=refusal("Invalid input received: Sort key supplied is invalid: {value}"),
    no_direction=refusal("Invalid input received: Unknown sort direction, must be one of: asc, desc"),
    unequal_sort=refusal("Invalid input received: Sort direction array size exceeds sort key array size."),
)
_ORDER = Sorting(
    keys={"id": "id", "name": "name", "created_at": "created_at"},
    last=(("id", "desc"),),
    default="created_at",
    direction="desc",
    directions="any",
    pairs=True,
)
_NAMED = Listing(style=STYLE, sorting=_ORDER, zero=0, skips=True)  # what every list has
_OWNED = _NAMED.sorted_by("project_id", "user_id", "status", "updated_at", display_name="name")
VOLUMES = _OWNED.sorted_by("size", "availability_zone", "bootable", "host", "launched_at")
SNAPSHOTS = _OWNED.sorted_by("volume_id", volume_size="size")
BACKUPS = _OWNED.sorted_by("size", "volume_id", "availability_zone", "snapshot_id", "container")
GROUPS = _NAMED.sorted_by("project_id", "user_id", "availability_zone", "group_type_id", status="state")
GROUP_SNAPSHOTS = _NAMED.sorted_by("project_id", "user_id", "group_id", status="state")
TRANSFERS = _NAMED.sorted_by("volume_id", display_name="name", source_project_id="project_id")
BACKUP_PLANS = _NAMED.sorted_by("project_id", "user_id", "volume_id", "next_at")
OLDER_TRANSFERS = replace(TRANSFERS, sorting=replace(_ORDER, last=(("id", "asc"),), direction="asc"))  # before 3.59
QOS_SPECS = _NAMED.sorted_by("consumer")
TYPES = _NAMED.sorted_by("updated_at", "is_public")


def _without_name(**columns: str) -> Listing:
    return replace(_NAMED, sorting=replace(_ORDER, keys={"id": "id", "created_at": "created_at", **columns}))


ATTACHMENTS = _without_name(attach_status="status", volume_id="volume_id", instance_uuid="server_id")
MESSAGES = _without_name(
    resource_type="resource_type", resource_uuid="resource_id", request_id="request_id", event_id="event_id"
)

LOOSE = replace(STYLE, false=frozenset({"false", ""}), other_words=True)  # words of volumes' filters before 3.2


def without_names(listing: Listing) -> Listing:
    """Return the listing of a version that does not sort by ``name``, but by ``display_name``."""
    assert listing.sorting is not None
    keys = {key: column for key, column in listing.sorting.keys.items() if key != "name"}
    return replace(listing, sorting=replace(listing.sorting, keys=keys))


# Since when a list has a filter; it has the others from the start.
_TEXTS = {"similar": "3.34", "times": "3.60", "consumes_quota": "3.65"}
FILTERS = {
    "volume": {**_TEXTS, "glance_metadata": "3.4", "group_id": "3.10"},
    "snapshot": {**_TEXTS, "metadata": "3.22"},
    "backup": {"similar": "3.34"},
    "attachment": {"similar": "3.34"},
    "message": {"similar": "3.34", **dict.fromkeys([*lists.MESSAGES, "message_level"], "3.5")},
    "group": {"similar": "3.34"},
    "group_snapshot": {"similar": "3.34", **dict.fromkeys(lists.GROUP_SNAPSHOTS, "3.29")},
    "volume_type": {"extra_specs": "3.52"},
    "pool": {"name": "3.28", "volume_type": "3.35"},
}
# What a query has beside filters.
BESIDE = frozenset(
    {"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "with_count", "format"}
    | {"all_tenants", "all_projects", "list_volume", "detail"}
)


def filters_of(resource: str, version: Version) -> dict[str, bool]:
    """Return whether a microversion has the filters that came after 3.0."""
    return {name: version >= microversions.version(first) for name, first in FILTERS.get(resource, {}).items()}
