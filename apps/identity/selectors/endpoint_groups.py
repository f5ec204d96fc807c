"""Reading endpoint groups, and which endpoints projects were given."""

from collections.abc import Callable, Mapping

import orjson
from django.db import connection
from django.db.models import QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import Endpoint, EndpointGroup, Project, ProjectEndpoint
from apps.identity.selectors import filters
from apps.identity.sql import endpoint_groups as sql


def get(group_id: str) -> EndpointGroup:
    """Raises NotFound."""
    group = EndpointGroup.objects.filter(pk=group_id).first()
    if group is None:
        raise NotFound(noun="endpoint group", id=group_id[:64])
    return group


def listed(params: Mapping[str, str]) -> QuerySet[EndpointGroup]:
    return filters.apply(EndpointGroup.objects.all(), params, texts=("name",))


def endpoints_of(group: EndpointGroup) -> QuerySet[Endpoint]:
    """Return the endpoints that a group's filters choose."""
    return Endpoint.objects.filter(**group.filters)


def projects_of(group: EndpointGroup) -> QuerySet[Project]:
    return group.projects.order_by("id")


def of_project(project_id: str) -> QuerySet[EndpointGroup]:
    return EndpointGroup.objects.filter(projects=project_id)


def has_project(group: EndpointGroup, project_id: str) -> bool:
    return group.projects.filter(pk=project_id).exists()


def given_endpoints(project_id: str) -> QuerySet[Endpoint]:
    """Return the endpoints that a project was given, one by one or by groups; disabled ones too."""
    chosen = chosen_by(project_id)
    ids = [row.pk for row in Endpoint.objects.all() if chosen(row)] if chosen is not None else []
    return Endpoint.objects.filter(pk__in=ids)


def was_given(project_id: str, endpoint_id: str) -> bool:
    """Return whether the project was given this endpoint by itself."""
    return ProjectEndpoint.objects.filter(project_id=project_id, endpoint_id=endpoint_id).exists()


def projects_given(endpoint_id: str) -> QuerySet[Project]:
    """Return the projects that were given an endpoint by itself."""
    return Project.objects.filter(project_endpoints__endpoint_id=endpoint_id).order_by("id")


def chosen_by(project_id: str) -> Callable[[Endpoint], bool] | None:
    """Return a function that says whether a project was given an endpoint, or None when nothing was given. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(sql.GIVEN, (project_id, project_id))
        rows = cursor.fetchall()
    if not rows:
        return None
    ids = {endpoint_id for endpoint_id, _ in rows if endpoint_id is not None}
    groups = [orjson.loads(text) for _, text in rows if text is not None]

    def chosen(endpoint: Endpoint) -> bool:
        matches = (all(getattr(endpoint, name) == value for name, value in filters.items()) for filters in groups)
        return endpoint.pk in ids or any(matches)

    return chosen
