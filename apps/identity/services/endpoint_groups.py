"""Writing endpoint groups, and giving endpoints to projects."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.common import audit
from apps.identity import locks
from apps.identity.exceptions import NotFound
from apps.identity.models import EndpointGroup, Project, ProjectEndpoint
from apps.identity.selectors import endpoint_groups as selectors
from apps.identity.selectors import endpoints, projects
from apps.identity.services import row_writes

_FIELDS = ("name", "description", "filters")


@transaction.atomic
def create(*, values: Mapping[str, Any]) -> EndpointGroup:
    group = EndpointGroup()
    row_writes.merge(group, values, _FIELDS)
    with row_writes.unique("endpoint_group", f"name {group.name}"):
        group.save(force_insert=True)
    audit.record("create", "endpoint_group", group.pk)
    return group


@transaction.atomic
def update(*, group_id: str, changes: Mapping[str, Any]) -> EndpointGroup:
    """Change a group; filters that are given take the place of all that there were."""
    group = locks.row(EndpointGroup.objects.all(), group_id)
    if group is None:
        return selectors.get(group_id)
    row_writes.merge(group, changes, _FIELDS)
    with row_writes.unique("endpoint_group", f"name {group.name}"):
        group.save()
    audit.record("update", "endpoint_group", group.pk, details={"changed": sorted(changes)})
    return group


@transaction.atomic
def delete(*, group_id: str) -> None:
    selectors.get(group_id).delete()
    audit.record("delete", "endpoint_group", group_id)


def _both(group_id: str, project_id: str) -> tuple[EndpointGroup, Project]:
    return selectors.get(group_id), projects.get(project_id)


@transaction.atomic
def add_project(*, group_id: str, project_id: str) -> None:
    """Give a group's endpoints to a project. Raises Duplicate (409) when it has them."""
    group, project = _both(group_id, project_id)
    with row_writes.unique("project_endpoint_group", f"endpoint group {group_id[:64]} and project {project_id[:64]}"):
        EndpointGroup.projects.through.objects.create(endpointgroup_id=group.pk, project_id=project.pk)
    audit.record("update", "endpoint_group", group.pk, details={"added_project": project.pk})


@transaction.atomic
def remove_project(*, group_id: str, project_id: str) -> None:
    group, project = _both(group_id, project_id)
    if not selectors.has_project(group, project.pk):
        raise NotFound(noun="endpoint group of the project", id=group_id[:64])
    group.projects.remove(project)
    audit.record("update", "endpoint_group", group.pk, details={"removed_project": project.pk})


@transaction.atomic
def give_endpoint(*, endpoint_id: str, project_id: str) -> None:
    """Give one endpoint to a project. Raises Duplicate (409) when it has it."""
    endpoint, project = endpoints.get(endpoint_id), projects.get(project_id)
    with row_writes.unique("project_endpoint", f"endpoint {endpoint_id[:64]} and project {project_id[:64]}"):
        ProjectEndpoint.objects.create(endpoint=endpoint, project=project)
    audit.record("update", "endpoint", endpoint.pk, details={"added_project": project.pk})


@transaction.atomic
def take_endpoint(*, endpoint_id: str, project_id: str) -> None:
    deleted, _ = ProjectEndpoint.objects.filter(endpoint_id=endpoint_id, project_id=project_id).delete()
    if not deleted:
        raise NotFound(noun="endpoint of the project", id=endpoint_id[:64])
    audit.record("update", "endpoint", endpoint_id, details={"removed_project": project_id})
