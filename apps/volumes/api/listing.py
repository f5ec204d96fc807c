"""How Cinder's lists are read: words of parameters, sort keys, limits, markers and refusals."""

from dataclasses import replace

from apps.common.api.collections import Listing
from apps.common.api.queries import QueryStyle, Sorting, refusal
from apps.common.exceptions import NotFound

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
    keys={
        "id": "id",
        "name": "name",
        "display_name": "name",
        "created_at": "created_at",
        "updated_at": "updated_at",
        "status": "status",
        "project_id": "project_id",
        "user_id": "user_id",
    },
    last=(("id", "desc"),),
    default="created_at",
    direction="desc",
    directions="any",
    pairs=True,
)
LISTING = Listing(style=STYLE, sorting=_ORDER, zero=0, skips=True)
VOLUMES = LISTING.sorted_by("size", "availability_zone", "bootable", "host", "launched_at")
SNAPSHOTS = LISTING.sorted_by("volume_id", volume_size="size")
BACKUPS = LISTING.sorted_by("size", "volume_id", "availability_zone", "snapshot_id", "container")
ATTACHMENTS = replace(
    LISTING,
    sorting=replace(
        _ORDER,
        keys={
            "id": "id",
            "created_at": "created_at",
            "attach_status": "status",
            "volume_id": "volume_id",
            "instance_uuid": "server_id",
        },
    ),
)
MESSAGES = replace(
    LISTING,
    sorting=replace(
        _ORDER,
        keys={
            "id": "id",
            "created_at": "created_at",
            "resource_type": "resource_type",
            "resource_uuid": "resource_id",
            "request_id": "request_id",
            "event_id": "event",
        },
    ),
)
TYPES = replace(
    LISTING,
    sorting=replace(
        _ORDER,
        keys={
            "id": "id",
            "name": "name",
            "created_at": "created_at",
            "updated_at": "updated_at",
            "is_public": "is_public",
        },
    ),
)
