"""How Nova's lists are read: words of parameters, sort keys, limits, markers and refusals."""

from dataclasses import replace

from apps.common.api.collections import Listing
from apps.common.api.queries import QueryStyle, Sorting, refusal
from apps.compute.selectors import server_lists
from apps.compute.selectors.simple_tenant_usage import MAX_SERVERS

_OF_QUERIES = "Invalid input for query parameters {name}. Value: {value}."
STYLE = QueryStyle(
    true=frozenset({"1", "t", "true", "on", "y", "yes"}),
    false=frozenset({"0", "f", "false", "off", "n", "no"}),
    not_boolean=refusal(f"{_OF_QUERIES} It must be a boolean."),
    not_time=refusal(f"{_OF_QUERIES} It must be a date and time."),
    not_number=refusal(f"{_OF_QUERIES} It must be an integer >= 0."),
    not_limit=refusal(f"{_OF_QUERIES} It must be an integer >= 0."),
    no_marker=refusal("marker [{value}] not found"),
    no_sort_key=refusal(_OF_QUERIES),
    no_direction=refusal(_OF_QUERIES),
    unequal_sort=refusal(_OF_QUERIES),
)
LISTING = Listing(style=STYLE)
BY_OFFSET = Listing(style=STYLE, by_offset=True)
SERVERS = replace(
    LISTING,
    sorting=Sorting(
        keys=server_lists.SORT_KEYS,
        last=(("id", "desc"),),
        default="created_at",
        direction="desc",
        directions="any",
        forgiving=True,
    ),
    zero=0,  # as Nova: servers alone
)
_FLAVOR_KEYS = {
    "created_at": "created_at",
    "description": "description",
    "disabled": "disabled",
    "ephemeral_gb": "ephemeral_gib",
    "flavorid": "flavor_id",
    "id": "id",
    "is_public": "is_public",
    "memory_mb": "ram_mib",
    "name": "name",
    "root_gb": "disk_gib",
    "rxtx_factor": "rxtx_factor",
    "swap": "swap_mib",
    "updated_at": "created_at",  # flavors do not change
    "vcpu_weight": "id",
    "vcpus": "vcpus",
}
FLAVORS = replace(
    LISTING,
    sorting=Sorting(
        keys=_FLAVOR_KEYS,
        last=(("flavor_id", "asc"),),
        default="flavorid",
        directions="any",
        single=True,
    ),
    marker_column="flavor_id",
    marker_key=str,
)
_OF_FLAVORS = FLAVORS.sorting
assert _OF_FLAVORS is not None
FLAVORS_WITHOUT_RXTX = replace(
    FLAVORS,
    sorting=replace(_OF_FLAVORS, keys={key: name for key, name in _FLAVOR_KEYS.items() if key != "rxtx_factor"}),
)
IMAGES = replace(LISTING, sorting=Sorting(keys={}, last=(("created_at", "desc"), ("id", "desc"))))
_NO_MARKER = replace(STYLE, no_marker=refusal("Marker {value} could not be found."))
KEYPAIRS = replace(
    LISTING,
    style=_NO_MARKER,
    sorting=Sorting(keys={}, last=(("name", "asc"),)),
    marker_column="name",
    marker_key=str,
)
HYPERVISORS = replace(LISTING, sorting=Sorting(keys={}, last=(("number", "asc"),)))
ACTIONS = replace(
    LISTING,
    style=_NO_MARKER,
    sorting=Sorting(keys={}, last=(("created_at", "desc"), ("id", "desc"))),
    marker_column="request_id",
    marker_key=str,
)
MIGRATIONS = replace(
    LISTING,
    style=_NO_MARKER,
    sorting=Sorting(keys={}, last=(("created_at", "desc"), ("id", "desc"))),
    marker_column="uuid",
)
PAGED_USAGE = replace(LISTING, style=_NO_MARKER, sorting=Sorting(keys={}))
WHOLE_USAGE = replace(PAGED_USAGE, most=lambda: MAX_SERVERS)
