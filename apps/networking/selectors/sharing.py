"""Rows of other projects that a caller sees and uses, because RBAC policies share them with its project."""

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from apps.common.context import RequestContext
from apps.networking.models.base import SharedResource

M = TypeVar("M", bound=Model)


def shared_with(project_id: str | None, *, prefix: str = "") -> Q:
    """Return the condition that a row is shared with everybody, or with a project."""
    shared = Q(**{f"{prefix}shared": True})
    return shared | Q(**{f"{prefix}shared_with__has": project_id}) if project_id else shared


def external_to(project_id: str | None) -> Q:
    """Return the condition that a network is external, and open to everybody or to a project."""
    open_to = Q(external_to_all=True)
    return Q(external=True) & (open_to | Q(external_to__has=project_id) if project_id else open_to)


def usable_external(project_id: str) -> Q:
    """Return the condition that a network is external, and a project's own or open to it."""
    own = Q(project_id=project_id) | shared_with(project_id)
    return Q(external=True) & own | external_to(project_id)


def visible(rows: QuerySet[M], context: RequestContext) -> QuerySet[M]:
    """Narrow rows to those of the caller's project and those that are shared with it; all for administrators."""
    if context.is_admin:
        return rows
    return rows.filter(Q(project_id=context.project_id or "-") | shared_with(context.project_id))


def is_shared_with(row: SharedResource, project_id: str | None) -> bool:
    """Return whether a row is shared with everybody, or with a project: ``shared`` of Neutron's documents."""
    return row.shared or (project_id is not None and project_id in row.shared_with)
