"""Filtering and sorting the list of servers."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from apps.common import patterns
from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.common.identifiers import parse_uuid
from apps.compute.models import Server
from apps.compute.selectors import servers
from apps.networking.selectors import bindings


class Parameters(Protocol):
    """A query string's parameters: the last value of a name, or all of them."""

    def __contains__(self, name: object, /) -> bool: ...
    def __getitem__(self, name: str, /) -> str: ...
    def get(self, name: str, /) -> str | None: ...
    def getlist(self, name: str, /) -> list[str]: ...


TRUE, FALSE = ("1", "t", "true", "yes", "on", "y"), ("0", "f", "false", "no", "off", "n")
SORT_KEYS = {
    "created_at": "created_at",
    "updated_at": "updated_at",
    "display_name": "name",
    "name": "name",
    "uuid": "id",
    "id": "id",
    "vm_state": "vm_state",
    "task_state": "task_state",
    "power_state": "power_state",
    "host": "host",
    "hostname": "hostname",
    "key_name": "key_name",
    "launched_at": "launched_at",
    "launch_index": "launch_index",
    "project_id": "project_id",
    "user_id": "user_id",
    "availability_zone": "zone",
    "image_ref": "image_id",
    "locked": "locked",
    "root_device_name": "root_device_name",
    "access_ip_v4": "access_ip_v4",
    "access_ip_v6": "access_ip_v6",
    "display_description": "description",
    "progress": "progress",
    "config_drive": "config_drive",
}
EXACT = {
    "project_id": "project_id",
    "tenant_id": "project_id",
    "user_id": "user_id",
    "host": "host",
    "node": "host",
    "hypervisor_hostname": "host",
    "key_name": "key_name",
    "availability_zone": "zone",
    "reservation_id": "reservation_id",
    "vm_state": "vm_state",
    "task_state": "task_state",
    "hostname": "hostname",
    "description": "description",
    "root_device_name": "root_device_name",
}
OF_ALL_PROJECTS = ("project_id", "tenant_id")  # without ``all_tenants`` Nova lists the caller's own project
ADMIN_ONLY = ("project_id", "tenant_id", "user_id", "host", "node", "hypervisor_hostname", "deleted", "all_tenants")
KNOWN = {
    *EXACT,
    *ADMIN_ONLY,
    "name",
    "status",
    "flavor",
    "image",
    "ip",
    "ip6",
    "uuid",
    "changes-since",
    "changes-before",
}
KNOWN |= {"tags", "tags-any", "not-tags", "not-tags-any", "locked", "power_state", "launch_index", "config_drive"}
KNOWN |= {
    "limit",
    "marker",
    "sort_key",
    "sort_dir",
    "all_tenants",
    "created_at",
    "launched_at",
    "terminated_at",
    "progress",
}
KNOWN |= {"access_ip_v4", "access_ip_v6", "cell_name", "kernel_id", "ramdisk_id", "soft_deleted", "display_description"}


def boolean(text: str, name: str) -> bool:
    """Raises BadRequest for what is no boolean."""
    if text.lower() in TRUE or text == "":
        return True
    if text.lower() in FALSE:
        return False
    raise BadRequest(f"Invalid input for query parameters {name}. Value: {text[:64]}. It must be a boolean.")


def moment(text: str, name: str) -> datetime:
    try:
        parsed = parse_datetime(text)
    except ValueError:
        parsed = None
    if parsed is None:
        raise BadRequest(f"Invalid input for query parameters {name}. Value: {text[:64]}. It must be a date and time.")
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def end_of(asked: datetime) -> datetime:
    """Return the moment behind all that documents show as ``asked``: without a fraction, whole seconds."""
    try:
        return asked + (timedelta(microseconds=1) if asked.microsecond else timedelta(seconds=1))
    except OverflowError:  # the last second there is
        return asked


def filtered(*, context: RequestContext, params: Parameters, all_projects: bool) -> QuerySet[Server]:
    """Return the servers that the query asks for; filters for administrators are ignored for others, as in Nova.

    Raises BadRequest (400) naming the parameter that is wrong.
    """
    rows = _population(context, params, all_projects)
    for name, column in EXACT.items():
        if name in OF_ALL_PROJECTS and not all_projects:
            continue
        if name in params and (context.is_admin or name not in ADMIN_ONLY):
            rows = rows.filter(**{f"{column}__in": params.getlist(name)})
    rows = _by_text(rows, params)
    rows = _by_time(rows, params)
    rows = _by_tags(rows, params)
    return _by_address(rows, params)


def _population(context: RequestContext, params: Parameters, all_projects: bool) -> QuerySet[Server]:
    deleted = context.is_admin and "deleted" in params and boolean(params["deleted"], "deleted")
    changed = "changes-since" in params
    rows = Server.objects.all() if changed else Server.objects.filter(deleted_at__isnull=not deleted)
    return rows if all_projects else rows.filter(project_id=context.project_id)


def _by_text(rows: QuerySet[Server], params: Parameters) -> QuerySet[Server]:
    if params.get("name"):
        rows = rows.filter(name__iregex=patterns.check(params["name"], "name"))
    if "status" in params:
        rows = servers.with_status(rows, params.getlist("status"))
    if "flavor" in params:
        rows = rows.filter(flavor__id=params["flavor"])
    if "image" in params:
        rows = rows.filter(image_id=parse_uuid(params["image"]) or uuid.UUID(int=0))
    if "uuid" in params:
        rows = rows.filter(id__in=[key for text in params.getlist("uuid") if (key := parse_uuid(text))])
    if "locked" in params:
        rows = rows.filter(locked=boolean(params["locked"], "locked"))
    if "config_drive" in params:
        rows = rows.filter(config_drive=boolean(params["config_drive"], "config_drive"))
    return _by_number(rows, params)


def _by_number(rows: QuerySet[Server], params: Parameters) -> QuerySet[Server]:
    for name in ("power_state", "launch_index", "progress"):
        if name in params:
            if not (params[name].isascii() and params[name].isdigit()):
                raise BadRequest(f"Invalid input for query parameters {name}. Value: {params[name][:64]}.")
            rows = rows.filter(**{name: int(params[name][:9])})
    return rows


def _by_time(rows: QuerySet[Server], params: Parameters) -> QuerySet[Server]:
    if "changes-since" in params:
        rows = rows.filter(updated_at__gte=moment(params["changes-since"], "changes-since"))
    if "changes-before" in params:
        rows = rows.filter(updated_at__lt=end_of(moment(params["changes-before"], "changes-before")))
    return rows


def _by_tags(rows: QuerySet[Server], params: Parameters) -> QuerySet[Server]:
    if "tags" in params:
        rows = rows.filter(tags__contains=params["tags"].split(","))
    if "tags-any" in params:
        rows = rows.filter(tags__overlap=params["tags-any"].split(","))
    if "not-tags" in params:
        rows = rows.exclude(tags__contains=params["not-tags"].split(","))
    if "not-tags-any" in params:
        rows = rows.exclude(tags__overlap=params["not-tags-any"].split(","))
    return rows


def _by_address(rows: QuerySet[Server], params: Parameters) -> QuerySet[Server]:
    """One query however many addresses there are (OSSA 2014-038)."""
    condition = Q()
    for name in ("ip", "ip6"):
        if params.get(name):
            condition |= Q(id__in=bindings.server_ids_by_address(pattern=patterns.check(params[name], name)))
    return rows.filter(condition)


def order_of(params: Parameters) -> list[tuple[str, str]]:
    """Return (column, direction) pairs; the id comes last so that pages are stable."""
    keys, directions = params.getlist("sort_key"), params.getlist("sort_dir")
    if not keys:
        return [("created_at", directions[0] if directions in (["asc"], ["desc"]) else "desc"), ("id", "desc")]
    order = []
    for index, key in enumerate(keys):
        direction = directions[index] if index < len(directions) else (directions[-1] if directions else "desc")
        if key not in SORT_KEYS:
            raise BadRequest(f"Invalid input for query parameters sort_key. Value: {key[:64]}.")
        if direction not in ("asc", "desc"):
            raise BadRequest(f"Invalid input for query parameters sort_dir. Value: {direction[:64]}.")
        order.append((SORT_KEYS[key], direction))
    return order if order[-1][0] == "id" else [*order, ("id", "desc")]


def unknown(params: Mapping[str, Any]) -> list[str]:
    return sorted(set(params) - KNOWN)
