"""A project's limits and usages are deleted with the project."""

from apps.common.context import RequestContext
from apps.identity.services.project_resources import ProjectResource
from apps.identity.services.project_resources import register as register_resource
from apps.quotas.models import Limit, Usage
from apps.quotas.services import limits


def count_limits(project_id: str) -> int:
    return Limit.objects.filter(owner_id=project_id).count()


def drop(context: RequestContext) -> None:
    """Drop the limits of the caller's project, and its usage: a project that may be deleted owns nothing."""
    project_id = str(context.project_id)
    if count_limits(project_id):
        limits.reset(owner_id=project_id)
    Usage.objects.filter(owner_id=project_id, in_use=0, reserved=0).delete()


def register() -> None:
    register_resource(ProjectResource(noun="limits", count=count_limits, purge=drop, rank=90, counted=False))
