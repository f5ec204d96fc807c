"""How Glance's lists are read: words of parameters, sort keys, limits, markers and refusals."""

from collections.abc import Iterable
from dataclasses import replace

from apps.common.api.collections import Listing
from apps.common.api.queries import QueryStyle, Refusal, Sorting, refusal
from apps.images.exceptions import NamespaceNotFound

_COLUMNS = ("name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at", "visibility")
IMAGE_KEYS = {**{name: name for name in _COLUMNS}, "owner": "project_id"}
NAMESPACE_KEYS = {name: name for name in ("created_at", "namespace", "updated_at")}


def _no_key(keys: Iterable[str]) -> Refusal:
    return refusal("Unable to sort by '{value}'. It must be one of: " + ", ".join(sorted(keys)) + ".")


STYLE = QueryStyle(
    true=frozenset({"true", "1", "yes"}),
    false=frozenset({"false", "0", "no"}),
    not_boolean=refusal("Bad value '{value}' for {name}: it must be true or false."),
    not_time=refusal("Invalid time for {name}: {value}"),
    not_number=refusal("Invalid value for option {name}: {value}. It must be an integer >= 0."),
    not_limit=refusal("Invalid input for query parameters {name}. Value: {value}. It must be an integer >= 0."),
    no_marker=refusal("Invalid marker: no image with ID {value}."),
    no_sort_key=_no_key(IMAGE_KEYS),
    no_direction=refusal("Invalid sort direction: {value}. It must be one of: asc, desc."),
    unequal_sort=refusal("Number of sort dirs does not match the number of sort keys"),
)
IMAGES = Listing(
    style=STYLE,
    sorting=Sorting(
        keys=IMAGE_KEYS,
        last=(("created_at", None), ("id", None)),
        direction="desc",
        directions="one or equal",
        pairs=True,
    ),
    usual=25,
    zero=0,
)
NAMESPACES = Listing(
    style=replace(
        STYLE,
        no_marker=lambda name, value: NamespaceNotFound(name=value[:80]),
        no_sort_key=_no_key(NAMESPACE_KEYS),
    ),
    sorting=Sorting(
        keys={**NAMESPACE_KEYS, "": "created_at"},
        last=(("id", None),),
        default="created_at",
        direction="desc",
        directions="any",
        single=True,
    ),
    usual=25,
    zero=0,
    marker_column="namespace",
    marker_key=str,
)
