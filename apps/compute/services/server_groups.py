"""Making and removing server groups, and joining them."""

import uuid
from typing import Any

from django.db import transaction

from apps.common import audit
from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.compute import locks
from apps.compute.exceptions import ServerGroupNotFound
from apps.compute.models import ServerGroup
from apps.compute.selectors import server_groups as selectors
from apps.compute.states import ANTI_AFFINITY
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.selectors import limits
from apps.quotas.services import reservations

RESOURCE, MEMBERS = "server_groups", "server_group_members"


@transaction.atomic
def create(*, context: RequestContext, name: str, policy: str, rules: dict[str, Any] | None = None) -> ServerGroup:
    """Raises BadRequest (400) for rules with another policy than anti-affinity, QuotaExceeded (403)."""
    if rules and policy != ANTI_AFFINITY:
        raise BadRequest("Only anti-affinity policy supports rules.")
    group = ServerGroup.objects.create(
        project_id=str(context.project_id), user_id=str(context.user_id), name=name, policy=policy, rules=rules or {}
    )
    try:
        reservations.reserve(owner_id=group.project_id, each={RESOURCE: 1}, consumers=[group.id])
    except QuotaExceeded as error:
        raise QuotaExceeded("Quota exceeded, too many server groups.") from error
    reservations.commit(consumers=[group.id])
    audit.record("server_group.create", "server_group", group.id)
    return group


@transaction.atomic
def delete(*, group_id: uuid.UUID) -> None:
    """Delete a group. Its servers stay. Raises ServerGroupNotFound (404), also in the later of two parallel deletes."""
    group = locks.server_group_to_delete(group_id)
    if group is None:
        raise ServerGroupNotFound(group=group_id)
    group.delete()
    reservations.release(owner_id=group.project_id, each={RESOURCE: 1}, consumer=group_id)
    audit.record("server_group.delete", "server_group", group_id)


def join(*, context: RequestContext, group_id: uuid.UUID, adding: int) -> None:
    """Make room for ``adding`` members, in the transaction that writes them.

    Raises BadRequest (400) if the group was deleted, QuotaExceeded (403).
    """
    if not locks.server_group(group_id):
        raise BadRequest(f"Instance group {group_id} could not be found.")
    check_room(context=context, group_id=group_id, adding=adding)


def check_room(*, context: RequestContext, group_id: uuid.UUID, adding: int) -> None:
    """Raise QuotaExceeded (403) when the group cannot have ``adding`` more of the caller's servers."""
    allowed = limits.of(owner_id=str(context.project_id), resource=MEMBERS)
    if allowed < 0:
        return
    if selectors.count_members(group_id=group_id, user_id=str(context.user_id)) + adding > allowed:
        raise QuotaExceeded("Quota exceeded, too many servers in group")
