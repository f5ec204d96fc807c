"""Changing how many resources a project may have."""

from django.conf import settings

from apps.common import policy
from apps.common.context import RequestContext
from apps.identity.selectors import projects
from apps.networking import exceptions
from apps.networking.selectors import quotas as selectors
from apps.quotas.services import limits


def update(*, context: RequestContext, project_id: str, values: dict[str, int]) -> None:
    """Set a project's limits, also below what it has. Raises PolicyForbidden (403), ProjectNotFound (404)."""
    policy.check(context, "update_quota", {"project_id": project_id})
    if projects.find(project_id) is None:
        raise exceptions.ProjectNotFound(id=project_id[:64])
    limits.set_many(owner_id=project_id, values=values, force=True)


def reset(*, context: RequestContext, project_id: str) -> None:
    """Drop a project's own limits of this service: the defaults apply again. A project without own limits is success.

    A deleted project's limits can be dropped too. Raises PolicyForbidden (403), ProjectNotFound (404).
    """
    policy.check(context, "delete_quota", {"project_id": project_id})
    if projects.find(project_id) is None and not selectors.has_own(project_id=project_id):
        raise exceptions.ProjectNotFound(id=project_id[:64])
    limits.reset(owner_id=project_id, resources=settings.NETWORK_QUOTAS)
