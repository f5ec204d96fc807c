"""How Neutron's lists are read: words of parameters, sort keys, markers and refusals."""

from dataclasses import replace

from apps.common.api.collections import Listing
from apps.common.api.queries import QueryStyle, Sorting, refusal
from apps.networking.exceptions import UnknownMarker

STYLE = QueryStyle(
    true=frozenset({"true", "1", "yes"}),
    false=frozenset({"false", "0", "no"}),
    not_boolean=refusal("Invalid input for {name}: '{value}' cannot be converted to boolean."),
    not_time=refusal("Invalid input for {name}: '{value}' is not a time."),
    not_number=refusal("Invalid input for {name}: '{value}' is not an integer."),
    not_limit=refusal("Invalid input for query parameters {name}. Value: {value}. It must be an integer >= 0."),
    no_marker=lambda name, value: UnknownMarker(id=value[:64]),
    no_sort_key=refusal("{value} is invalid attribute for sort_keys"),
    no_direction=refusal("{value} is invalid for sort_dir: it must be asc or desc"),
    unequal_sort=refusal("The number of sort_keys and sort_dirs must be same"),
)
LISTING = Listing(
    style=STYLE,
    sorting=Sorting(
        keys={
            **{name: name for name in ("id", "name", "project_id", "created_at", "updated_at")},
            "tenant_id": "project_id",
        }
    ),
    reversible=True,
)


def listing_by(*names: str) -> Listing:
    """Return the listing of rows that have no name and no owner, with these sort keys."""
    return replace(LISTING, sorting=Sorting(keys={name: name for name in names}, last=(("id", "asc"),)))


RBAC_LISTING = replace(
    LISTING,
    sorting=Sorting(
        keys={
            **{name: name for name in ("id", "project_id", "object_type", "object_id", "action", "target_project")},
            "tenant_id": "project_id",
            "target_tenant": "target_project",
        }
    ),
)
