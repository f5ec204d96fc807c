"""The filters of an image list, as Glance names them."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from apps.common.api import queries
from apps.common.exceptions import BadRequest
from apps.images import states
from apps.images.api.listing import STYLE
from apps.images.models import Image

EXACT = {
    "name": "name",
    "status": "status",
    "owner": "project_id",
    "disk_format": "disk_format",
    "container_format": "container_format",
    "id": "id",
    "checksum": "checksum",
    "os_hash_algo": "os_hash_algo",
    "os_hash_value": "os_hash_value",
}
WITH_IN = ("name", "status", "id", "disk_format", "container_format")
NUMBERS = {
    "size_min": "size__gte",
    "size_max": "size__lte",
    "min_disk": "min_disk",
    "min_ram": "min_ram",
    "size": "size",
    "virtual_size": "virtual_size",
}
BOOLEANS = {"protected": "protected"}
TIMES = ("created_at", "updated_at")
TIME_OPERATORS = ("gt", "gte", "lt", "lte", "eq", "neq")
# Parsed elsewhere: parameters of paging, sorting and scope.
CONTROL = frozenset(
    {"limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status", "os_hidden", "tag"}
)
MAX_FILTERS = 32
MAX_VALUES = 1000  # of one filter


def apply(rows: QuerySet[Image], params: Mapping[str, list[str]]) -> QuerySet[Image]:
    """Narrow a list by the query parameters; names that are no attribute are properties. Raises BadRequest (400)."""
    if len(params) > MAX_FILTERS:
        raise BadRequest(f"A list takes at most {MAX_FILTERS} filters.")
    hidden = STYLE.boolean(params["os_hidden"][-1], "os_hidden") if "os_hidden" in params else False
    rows = rows.filter(os_hidden=hidden)
    for tag in params.get("tag", [])[:MAX_FILTERS]:
        rows = rows.filter(tags__contains=[tag])
    for name, values in params.items():
        if name not in CONTROL and "\x00" not in values[-1] and "\x00" not in name:
            rows = rows.filter(_condition(name, values[-1]))
    return rows


def _condition(name: str, text: str) -> Q:
    if name in EXACT:
        return _exact(name, text)
    if name in NUMBERS:
        return Q(**{NUMBERS[name]: STYLE.whole(text, name, digits=18)})
    if name in BOOLEANS:
        return Q(**{BOOLEANS[name]: STYLE.boolean(text, name)})
    if name in TIMES:
        return _time(name, text)
    return Q(properties__contains={name: text})


def _exact(name: str, text: str) -> Q:
    values = [text]
    if name in WITH_IN and queries.operator(text, ("in",))[0]:
        listed = queries.listed(text.removeprefix("in:"))
        if listed is None:
            raise BadRequest(
                f"Invalid filter value {text.removeprefix('in:')[:64]} for {name}: a quote is out of place."
            )
        values = listed[:MAX_VALUES]
    if name == "status" and not set(values) <= set(states.STATUSES):
        raise BadRequest(f"Invalid value for option status: {text[:64]}")
    if name == "id":
        values = [value for value in values if _is_uuid(value)]
    return Q(**{f"{EXACT[name]}__in": values})


def _is_uuid(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


def _time(name: str, text: str) -> Q:
    operator, value = queries.operator(text, TIME_OPERATORS)
    moment = queries.moment(value.replace(" ", "+"))
    if moment is None:
        raise STYLE.not_time(name, text)
    moment = moment.replace(microsecond=0)
    try:
        return _as_shown(name, operator or "eq", moment)
    except OverflowError:  # the last second that there is
        raise STYLE.not_time(name, text) from None


def _as_shown(name: str, operator: str, moment: datetime) -> Q:
    """Compare with the time that documents show, which is whole seconds: a row holds microseconds."""
    later = Q(**{f"{name}__gte": moment + timedelta(seconds=1)})
    earlier = Q(**{f"{name}__lt": moment})
    conditions = {"gt": later, "gte": ~earlier, "lt": earlier, "lte": ~later, "eq": ~later & ~earlier}
    return conditions[operator] if operator in conditions else later | earlier
