"""``/v3/OS-EP-FILTER``: which endpoints the catalog of a project's tokens shows."""

from typing import Any

from django.db.models import QuerySet

from apps.identity.api.documents import endpoint_groups as documents
from apps.identity.api.documents import endpoints as endpoint_documents
from apps.identity.api.documents import projects as project_documents
from apps.identity.api.documents.base import link, linked
from apps.identity.api.serializers import endpoint_groups as serializers
from apps.identity.api.views.base import Collection, IdentityView, Item, Noun, Response
from apps.identity.exceptions import NotFound
from apps.identity.models import Endpoint, EndpointGroup, Project
from apps.identity.selectors import endpoint_groups as selectors
from apps.identity.selectors import endpoints, projects
from apps.identity.services import endpoint_groups

_COLLECTION = "OS-EP-FILTER/endpoint_groups"


class _EndpointGroups(Noun):
    noun, plural, path = "endpoint_group", "endpoint_groups", _COLLECTION

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)

    def groups(self, rows: QuerySet[EndpointGroup]) -> dict[str, Any]:
        return self.listed("endpoint_groups", rows, self.linked)


class _PartsView(IdentityView):
    """Lists of a group's, a project's or an endpoint's associations."""

    def endpoints(self, rows: QuerySet[Endpoint]) -> dict[str, Any]:
        return self.listed(
            "endpoints", rows, lambda row: linked(self.request, "endpoints", endpoint_documents.render(row))
        )

    def projects(self, rows: QuerySet[Project]) -> dict[str, Any]:
        return self.listed(
            "projects", rows, lambda row: linked(self.request, "projects", project_documents.render(row))
        )


class EndpointGroupsView(_EndpointGroups, Collection):
    request_serializers = {"post": serializers.EndpointGroupSerializer}
    examples = {"POST": {"endpoint_group": {"name": "", "description": "", "filters": {"interface": "public"}}}}

    def rows(self) -> QuerySet[EndpointGroup]:
        return selectors.listed(self.request.query_params.dict())

    def make(self, values: dict[str, Any]) -> EndpointGroup:
        return endpoint_groups.create(values=values)


class EndpointGroupView(_EndpointGroups, Item):
    request_serializers = {"patch": serializers.EndpointGroupUpdateSerializer}
    examples = {"PATCH": {"endpoint_group": {"description": ""}}}

    def load(self, key: str) -> EndpointGroup:
        return selectors.get(key)

    def change(self, key: str, changes: dict[str, Any]) -> EndpointGroup:
        return endpoint_groups.update(group_id=key, changes=changes)

    def remove(self, key: str) -> None:
        endpoint_groups.delete(group_id=key)


class EndpointGroupEndpointsView(_PartsView):
    def get(self, request: Any, endpoint_group_id: str) -> Response:
        self.authorize("list_endpoints_associated_with_endpoint_group")
        return Response(self.endpoints(selectors.endpoints_of(selectors.get(endpoint_group_id))))


class EndpointGroupProjectsView(_PartsView):
    def get(self, request: Any, endpoint_group_id: str) -> Response:
        self.authorize("list_projects_associated_with_endpoint_group")
        return Response(self.projects(selectors.projects_of(selectors.get(endpoint_group_id))))


class EndpointGroupProjectView(IdentityView):
    def get(self, request: Any, endpoint_group_id: str, project_id: str) -> Response:
        self.authorize("get_endpoint_group_in_project")
        group, project = selectors.get(endpoint_group_id), projects.get(project_id)
        if not selectors.has_project(group, project.pk):
            raise NotFound(noun="endpoint group of the project", id=endpoint_group_id[:64])
        own = link(request, _COLLECTION, group.pk, "projects", project.pk)
        document = {"endpoint_group_id": group.pk, "project_id": project.pk, "links": {"self": own}}
        return Response({"project_endpoint_group": document})

    def put(self, request: Any, endpoint_group_id: str, project_id: str) -> Response:
        self.authorize("add_endpoint_group_to_project")
        endpoint_groups.add_project(group_id=endpoint_group_id, project_id=project_id)
        return Response(status=204)

    def delete(self, request: Any, endpoint_group_id: str, project_id: str) -> Response:
        self.authorize("remove_endpoint_group_from_project")
        endpoint_groups.remove_project(group_id=endpoint_group_id, project_id=project_id)
        return Response(status=204)


class EndpointProjectsView(_PartsView):
    def get(self, request: Any, endpoint_id: str) -> Response:
        self.authorize("list_projects_for_endpoint")
        return Response(self.projects(selectors.projects_given(endpoints.get(endpoint_id).pk)))


class ProjectEndpointGroupsView(_EndpointGroups):
    def get(self, request: Any, project_id: str) -> Response:
        self.authorize("list_endpoint_groups_for_project")
        return Response(self.groups(selectors.of_project(projects.get(project_id).pk)))


class ProjectEndpointsView(_PartsView):
    def get(self, request: Any, project_id: str) -> Response:
        self.authorize("list_endpoints_for_project")
        return Response(self.endpoints(selectors.given_endpoints(projects.get(project_id).pk)))


class ProjectEndpointView(IdentityView):
    """HEAD and GET: 204 or 404. PUT gives the endpoint to the project, DELETE takes it away."""

    def get(self, request: Any, project_id: str, endpoint_id: str) -> Response:
        self.authorize("check_endpoint_in_project")
        if not selectors.was_given(projects.get(project_id).pk, endpoints.get(endpoint_id).pk):
            raise NotFound(noun="endpoint of the project", id=endpoint_id[:64])
        return Response(status=204)

    def put(self, request: Any, project_id: str, endpoint_id: str) -> Response:
        self.authorize("add_endpoint_to_project")
        endpoint_groups.give_endpoint(endpoint_id=endpoint_id, project_id=project_id)
        return Response(status=204)

    def delete(self, request: Any, project_id: str, endpoint_id: str) -> Response:
        self.authorize("remove_endpoint_from_project")
        endpoint_groups.take_endpoint(endpoint_id=endpoint_id, project_id=project_id)
        return Response(status=204)
