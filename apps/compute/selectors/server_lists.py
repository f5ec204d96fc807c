"""Filtering and sorting the list of servers."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from apps.common import patterns
from apps.common.api import queries
from apps.common.api.queries import QueryStyle
from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.common.microversions import Version, since
from apps.compute import states
from apps.compute.models import Server
from apps.compute.selectors import servers
from apps.networking.selectors import bindings

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
ADMIN_ONLY = ("project_id", "tenant_id", "host", "node", "hypervisor_hostname", "deleted", "all_tenants")
# Filters of everybody's, by the microversion that has them, and those that only administrators had before it.
SINCE = {
    **dict.fromkeys(queries.TAGS, since("2.26")),
    "changes-before": since("2.66"),
    "locked": since("2.73"),
}
FOR_ALL_SINCE = {
    "ip6": since("2.5"),
    **dict.fromkeys(
        ("availability_zone", "config_drive", "key_name", "created_at", "launched_at", "terminated_at", "power_state",
         "task_state", "vm_state", "progress", "user_id"), since("2.83"),
    ),
}  # fmt: skip
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


def end_of(asked: datetime) -> datetime:
    """Return the moment behind all that documents show as ``asked``: without a fraction, whole seconds."""
    try:
        return asked + (timedelta(microseconds=1) if asked.microsecond else timedelta(seconds=1))
    except OverflowError:  # the last second there is
        return asked


@dataclass(frozen=True)
class ListQuery:
    """What a query asks for: its parameters with all of their values, and how Nova reads words, times and numbers."""

    params: Mapping[str, Sequence[str]]
    style: QueryStyle

    def __contains__(self, name: str) -> bool:
        return name in self.params

    def all(self, name: str) -> list[str]:
        """Return every value of a parameter."""
        return list(self.params.get(name, ()))

    def text(self, name: str) -> str:
        """Return the last value of a parameter, "" where there is none."""
        return self.all(name)[-1] if self.params.get(name) else ""

    def boolean(self, name: str) -> bool:
        """Return a word's meaning; a parameter without a value is true, as in Nova."""
        return self.style.boolean(self.text(name) or "1", name)

    def time(self, name: str) -> datetime:
        return self.style.time(self.text(name), name)


def offered(*, asked: Mapping[str, Sequence[str]], version: Version, everything: bool) -> dict[str, Sequence[str]]:
    """Return the filters that a microversion has for the caller; Nova ignores the others.

    ``everything``: the caller may use all of them.
    """
    ranges = SINCE if everything else {**SINCE, **FOR_ALL_SINCE}
    return {name: values for name, values in asked.items() if name not in ranges or version in ranges[name]}


def filtered(
    *,
    context: RequestContext,
    asked: Mapping[str, Sequence[str]],
    style: QueryStyle,
    all_projects: bool,
    everything: bool,
) -> QuerySet[Server]:
    """Return the servers that the query asks for; filters for administrators are ignored for others, as in Nova.

    Raises BadRequest (400) naming the parameter that is wrong.
    """
    query = ListQuery(asked, style)
    rows = _population(context, query, all_projects)
    for name, column in EXACT.items():
        if name in OF_ALL_PROJECTS and not all_projects:
            continue
        if name in query and (everything or name not in ADMIN_ONLY):
            rows = rows.filter(**{f"{column}__in": query.all(name)})
    rows = _by_text(rows, query)
    rows = _by_time(rows, query)
    tags = {name: query.text(name).split(",") for name in queries.TAGS if name in query}
    return _by_address(queries.by_tags(rows, tags), query)


def _population(context: RequestContext, query: ListQuery, all_projects: bool) -> QuerySet[Server]:
    deleted = context.is_admin and "deleted" in query and query.boolean("deleted")
    if "changes-since" in query:
        rows = Server.objects.all()
    else:
        rows = Server.objects.filter(_existing(deleted))
        if not _asks_for_soft_deleted(context, query):
            rows = rows.exclude(vm_state=states.SOFT_DELETED) if not deleted else rows
    return rows if all_projects else rows.filter(project_id=context.project_id)


def _existing(deleted: bool) -> Q:
    """Deleted servers are those without a row's end, and those that wait for it."""
    gone = Q(deleted_at__isnull=False) | Q(vm_state=states.SOFT_DELETED)
    return gone if deleted else Q(deleted_at=None)


def _asks_for_soft_deleted(context: RequestContext, query: ListQuery) -> bool:
    """Return whether the query names servers that wait for a restore: by ``soft_deleted``, status or vm_state."""
    if "SOFT_DELETED" in (status.upper() for status in query.all("status")):
        return True
    if states.SOFT_DELETED in query.all("vm_state"):
        return True
    return context.is_admin and "soft_deleted" in query and query.boolean("soft_deleted")


def _by_text(rows: QuerySet[Server], query: ListQuery) -> QuerySet[Server]:
    if query.text("name"):
        rows = rows.filter(queries.matching("name", query.text("name"), "name"))
    if "status" in query:
        rows = servers.with_status(rows, query.all("status"))
    if "flavor" in query:
        rows = rows.filter(flavor__id=query.text("flavor"))
    if "image" in query:
        rows = rows.filter(image_id=parse_uuid(query.text("image")) or uuid.UUID(int=0))
    if "uuid" in query:
        rows = rows.filter(id__in=[key for text in query.all("uuid") if (key := parse_uuid(text))])
    for name in ("locked", "config_drive"):
        if name in query:
            rows = rows.filter(**{name: query.boolean(name)})
    return _by_number(rows, query)


def _by_number(rows: QuerySet[Server], query: ListQuery) -> QuerySet[Server]:
    for name in ("power_state", "launch_index", "progress"):
        if name in query:
            rows = rows.filter(**{name: query.style.whole(query.text(name), name)})
    return rows


def _by_time(rows: QuerySet[Server], query: ListQuery) -> QuerySet[Server]:
    if "changes-since" in query:
        rows = rows.filter(updated_at__gte=query.time("changes-since"))
    if "changes-before" in query:
        rows = rows.filter(updated_at__lt=end_of(query.time("changes-before")))
    return rows


def _by_address(rows: QuerySet[Server], query: ListQuery) -> QuerySet[Server]:
    """One query however many addresses there are (OSSA 2014-038)."""
    condition = Q()
    for name in ("ip", "ip6"):
        if query.text(name):
            condition |= Q(id__in=bindings.server_ids_by_address(pattern=patterns.check(query.text(name), name)))
    return rows.filter(condition)


def unknown(params: Mapping[str, Any]) -> list[str]:
    return sorted(set(params) - KNOWN)
