"""A project's resources in compute, for deleting the project."""

from apps.common.context import RequestContext
from apps.compute.models import Server, ServerGroup
from apps.compute.services import server_groups, servers
from apps.identity.services.project_resources import ProjectResource
from apps.identity.services.project_resources import register as register_resource


def count_servers(project_id: str) -> int:
    return Server.objects.filter(project_id=project_id, deleted_at=None).count()


def purge_servers(context: RequestContext) -> None:
    """Begin to delete every server of the caller's project, locked ones too."""
    rows = list(Server.objects.filter(project_id=context.project_id, deleted_at=None))
    for row in rows:
        servers.delete(context=context, server=row)


def count_groups(project_id: str) -> int:
    return ServerGroup.objects.filter(project_id=project_id).count()


def purge_groups(context: RequestContext) -> None:
    """Delete every server group of the caller's project."""
    for row in list(ServerGroup.objects.filter(project_id=context.project_id)):
        server_groups.delete(group_id=row.id)


def register() -> None:
    register_resource(ProjectResource(noun="servers", count=count_servers, purge=purge_servers, rank=0))
    register_resource(ProjectResource(noun="server groups", count=count_groups, purge=purge_groups, rank=1))
