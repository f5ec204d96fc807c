"""Reading server groups: their members, and where those are."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.compute.exceptions import ServerGroupNotFound
from apps.compute.models import Server, ServerGroup
from apps.compute.sql import server_groups as sql


def visible(*, context: RequestContext, all_projects: bool = False) -> QuerySet[ServerGroup]:
    """Return groups, oldest first: of the caller's project, or of all."""
    rows = ServerGroup.objects.order_by("created_at", "id")
    return rows if all_projects else rows.filter(project_id=context.project_id)


def get(*, context: RequestContext, group_id: Any) -> ServerGroup:
    """Return a group of the caller's project (of any, for administrators). Raises ServerGroupNotFound (404)."""
    key = parse_uuid(group_id)
    group = ServerGroup.objects.filter(id=key).first() if key else None
    if group is None or not (context.is_admin or group.project_id == context.project_id):
        raise ServerGroupNotFound(group=str(group_id)[:64])
    return group


def members(*, group_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Return group -> its servers that are not deleted, oldest first. 1 query for any number of groups."""
    by_group: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    rows = Server.objects.filter(group_id__in=list(group_ids), deleted_at=None).order_by(
        "created_at", "launch_index", "id"
    )
    for group_id, server_id in rows.values_list("group_id", "id"):
        by_group[group_id].append(server_id)
    return by_group


def count_members(*, group_id: uuid.UUID, user_id: str) -> int:
    """Return how many of the group's servers belong to one user; ``server_group_members`` limits these, as in Nova."""
    return Server.objects.filter(group_id=group_id, user_id=user_id, deleted_at=None).count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Finds the hosts of the servers that hints name.

    ``policy`` is that of its group ("" for none); ``members`` counts the group's other servers by host; ``hosts`` is
    the host of each server that was asked about and is somewhere.
    """

    policy: str = ""
    max_server_per_host: int = 1
    members: dict[str, int] = field(default_factory=dict)
    hosts: dict[uuid.UUID, str] = field(default_factory=dict)


def surroundings(
    *, server_id: uuid.UUID, project_id: str, group_id: uuid.UUID | None, server_ids: Iterable[uuid.UUID] = ()
) -> Surroundings:
    """Return where a group's other members and ``server_ids`` are, of one project only. 1 query."""
    asked = set(server_ids)
    values = {"group": group_id, "project": project_id, "server": server_id, "servers": list(asked)}
    policy, most = "", 1
    members: dict[str, int] = defaultdict(int)
    hosts: dict[uuid.UUID, str] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql.SURROUNDINGS, values)
        for rule, limit, key, host, is_member in cursor.fetchall():
            if key is None:
                policy, most = rule, int(limit or 1)
                continue
            if group_id is not None and is_member:
                members[host] += 1
            if key in asked:
                hosts[key] = host
    return Surroundings(policy=policy, max_server_per_host=most, members=dict(members), hosts=hosts)
