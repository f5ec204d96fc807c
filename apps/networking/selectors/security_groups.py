"""Reading security groups."""

import uuid
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import PortSecurityGroup, SecurityGroup
from apps.networking.selectors import sharing
from apps.networking.sql import security_groups as sql


def visible(*, context: RequestContext) -> QuerySet[SecurityGroup]:
    """Groups the caller may see: its project's, and those shared with it; all for administrators."""
    return sharing.visible(SecurityGroup.objects.prefetch_related("rules"), context)


def get(*, context: RequestContext, group_id: uuid.UUID) -> SecurityGroup:
    """Return a group the caller may see. Raises SecurityGroupNotFound (404)."""
    group = visible(context=context).filter(id=group_id).first()
    if group is None:
        raise exceptions.SecurityGroupNotFound(id=group_id)
    return group


def default_id(*, project_id: str) -> uuid.UUID | None:
    """Return the id of a project's default group, or None when it was never needed yet."""
    return next((row[0] for row in sql.DEFAULT.fetch({"project": project_id})), None)


def matching(*, project_id: str, names: Iterable[str], ids: Iterable[uuid.UUID]) -> list[tuple[uuid.UUID, str]]:
    """Return (id, name) of a project's groups that have one of the names or ids, and of groups shared with it that
    have one of the ids. 1 query.
    """
    wanted = list(ids)
    own = Q(Q(name__in=list(names)) | Q(id__in=wanted), project_id=project_id)
    rows = SecurityGroup.objects.filter(own | Q(id__in=wanted) & sharing.shared_with(project_id))
    return list(rows.values_list("id", "name"))


def by_id(*, group_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, SecurityGroup]:
    """Return groups by ID, without a policy check: rules name groups of other projects too. At most 1 query."""
    wanted = list(group_ids)
    return SecurityGroup.objects.in_bulk(wanted) if wanted else {}


def of_server(*, server_id: uuid.UUID) -> list[SecurityGroup]:
    """Return the groups of a server's ports, by name, with their rules, without a policy check. 2 queries."""
    ports = PortSecurityGroup.objects.filter(port__device_id=str(server_id), port__request_index__isnull=False)
    rows = SecurityGroup.objects.prefetch_related("rules").filter(id__in=ports.values("security_group_id"))
    return list(rows.order_by("name", "id"))
