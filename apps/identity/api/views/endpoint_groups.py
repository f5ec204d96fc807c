"""``/v3/OS-EP-FILTER``: which endpoints the catalog of a project's tokens shows."""

from typing import Any

from django.db.models import QuerySet

from apps.identity.api.documents import endpoint_groups as documents
from apps.identity.api.documents import endpoints as endpoint_documents
from apps.identity.api.documents import projects as project_documents
from apps.identity.api.documents.base import link, many, one
from apps.identity.api.serializers import endpoint_groups as serializers
from apps.identity.api.views.base import IdentityView, Response
from apps.identity.exceptions import NotFound
from apps.identity.models import Endpoint, EndpointGroup, Project
from apps.identity.selectors import endpoint_groups as selectors
from apps.identity.selectors import endpoints, projects
from apps.identity.services import endpoint_groups

_COLLECTION = "OS-EP-FILTER/endpoint_groups"


def _groups(request: Any, rows: QuerySet[EndpointGroup]) -> Response:
    return Response(
        many(request, "endpoint_groups", rows, lambda row: one(request, _COLLECTION, documents.render(row)))
    )


def _endpoints(request: Any, rows: QuerySet[Endpoint]) -> Response:
    return Response(
        many(request, "endpoints", rows, lambda row: one(request, "endpoints", endpoint_documents.render(row)))
    )


def _projects(request: Any, rows: QuerySet[Project]) -> Response:
    return Response(
        many(request, "projects", rows, lambda row: one(request, "projects", project_documents.render(row)))
    )


class EndpointGroupsView(IdentityView):
    request_serializers = {"post": serializers.EndpointGroupSerializer}
    examples = {"POST": {"endpoint_group": {"name": "", "description": "", "filters": {"interface": "public"}}}}

    def get(self, request: Any) -> Response:
        self.authorize("list_endpoint_groups")
        return _groups(request, selectors.listed(request.query_params.dict()))

    def post(self, request: Any) -> Response:
        self.authorize("create_endpoint_group")
        group = endpoint_groups.create(values=self.parse(request, "endpoint_group"))
        return Response({"endpoint_group": one(request, _COLLECTION, documents.render(group))}, status=201)


class EndpointGroupView(IdentityView):
    request_serializers = {"patch": serializers.EndpointGroupUpdateSerializer}
    examples = {"PATCH": {"endpoint_group": {"description": ""}}}

    def get(self, request: Any, endpoint_group_id: str) -> Response:
        self.authorize("get_endpoint_group")
        return Response(
            {"endpoint_group": one(request, _COLLECTION, documents.render(selectors.get(endpoint_group_id)))}
        )

    def patch(self, request: Any, endpoint_group_id: str) -> Response:
        self.authorize("update_endpoint_group")
        changes = self.parse(request, "endpoint_group")
        group = endpoint_groups.update(group_id=endpoint_group_id, changes=changes)
        return Response({"endpoint_group": one(request, _COLLECTION, documents.render(group))})

    def delete(self, request: Any, endpoint_group_id: str) -> Response:
        self.authorize("delete_endpoint_group")
        endpoint_groups.delete(group_id=endpoint_group_id)
        return Response(status=204)


class EndpointGroupEndpointsView(IdentityView):
    def get(self, request: Any, endpoint_group_id: str) -> Response:
        self.authorize("list_endpoints_associated_with_endpoint_group")
        return _endpoints(request, selectors.endpoints_of(selectors.get(endpoint_group_id)))


class EndpointGroupProjectsView(IdentityView):
    def get(self, request: Any, endpoint_group_id: str) -> Response:
        self.authorize("list_projects_associated_with_endpoint_group")
        return _projects(request, selectors.projects_of(selectors.get(endpoint_group_id)))


class EndpointGroupProjectView(IdentityView):
    def get(self, request: Any, endpoint_group_id: str, project_id: str) -> Response:
        self.authorize("get_endpoint_group_in_project")
        group, project = selectors.get(endpoint_group_id), projects.get(project_id)
        if not selectors.has_project(group, project.pk):
            raise NotFound(noun="endpoint group of the project", id=endpoint_group_id[:64])
        own = link(request, _COLLECTION, group.pk, "projects", project.pk)
        found = {"endpoint_group_id": group.pk, "project_id": project.pk, "links": {"self": own}}
        return Response({"project_endpoint_group": found})

    def put(self, request: Any, endpoint_group_id: str, project_id: str) -> Response:
        self.authorize("add_endpoint_group_to_project")
        endpoint_groups.add_project(group_id=endpoint_group_id, project_id=project_id)
        return Response(status=204)

    def delete(self, request: Any, endpoint_group_id: str, project_id: str) -> Response:
        self.authorize("remove_endpoint_group_from_project")
        endpoint_groups.remove_project(group_id=endpoint_group_id, project_id=project_id)
        return Response(status=204)


class EndpointProjectsView(IdentityView):
    def get(self, request: Any, endpoint_id: str) -> Response:
        self.authorize("list_projects_for_endpoint")
        return _projects(request, selectors.projects_given(endpoints.get(endpoint_id).pk))


class ProjectEndpointGroupsView(IdentityView):
    def get(self, request: Any, project_id: str) -> Response:
        self.authorize("list_endpoint_groups_for_project")
        return _groups(request, selectors.of_project(projects.get(project_id).pk))


class ProjectEndpointsView(IdentityView):
    def get(self, request: Any, project_id: str) -> Response:
        self.authorize("list_endpoints_for_project")
        return _endpoints(request, selectors.given_endpoints(projects.get(project_id).pk))


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
