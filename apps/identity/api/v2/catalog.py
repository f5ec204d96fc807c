"""v2.0's version document, roles, services and endpoints."""

from typing import Any

from apps.common.api.views import Response, ServiceView
from apps.identity.api.serializers import services as service_serializers
from apps.identity.api.v2 import documents
from apps.identity.api.v2.base import V2View
from apps.identity.api.v2.serializers import EndpointSerializer, RoleSerializer
from apps.identity.exceptions import NotFound
from apps.identity.models import Endpoint
from apps.identity.selectors import endpoints as endpoint_selectors
from apps.identity.selectors import pages
from apps.identity.selectors import roles as selectors
from apps.identity.selectors import services as service_selectors
from apps.identity.services import endpoints, roles, services
from apps.identity.states import Interface

KSADM = "OS-KSADM:service"


def version_document(request: Any) -> dict[str, Any]:
    return {
        "id": "v2.0",
        "status": "deprecated",
        "updated": "2016-08-04T00:00:00Z",
        "links": [{"rel": "self", "href": request.build_absolute_uri("/identity/v2.0/")}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v2.0+json"}],
    }


class VersionView(ServiceView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Any) -> Response:
        return Response({"version": version_document(request)})


# Alias, name, description, when Keystone changed it last.
EXTENSIONS = (
    ("OS-KSADM", "OpenStack Keystone Admin", "Roles, services and users for administrators", "2013-07-11T17:14:00Z"),
    ("OS-KSCRUD", "OpenStack Keystone User CRUD", "Users change their own password", "2013-07-07T12:00:00Z"),
    ("OS-EC2", "OpenStack EC2 API", "EC2 credentials of users", "2013-07-07T12:00:00Z"),
)


def _extension(alias: str, name: str, description: str, updated: str) -> dict[str, Any]:
    namespace = f"https://docs.openstack.org/identity/api/ext/{alias}/v1.0"
    return {
        "alias": alias,
        "name": name,
        "description": description,
        "namespace": namespace,
        "updated": updated,
        "links": [],
    }


class ExtensionsView(VersionView):
    def get(self, request: Any) -> Response:
        return Response({"extensions": {"values": [_extension(*described) for described in EXTENSIONS]}})


class RolesView(V2View):
    request_serializers = {"post": RoleSerializer}

    def get(self, request: Any) -> Response:
        self.authorize("list_roles")
        return Response(self.listed("roles", selectors.listed({}), documents.render_role))

    def post(self, request: Any) -> Response:
        self.authorize("create_role")
        return Response({"role": documents.render_role(roles.create(values=self.parse(request, "role")))})


class RoleView(V2View):
    def get(self, request: Any, role_id: str) -> Response:
        """Show a role by its id or by its name."""
        self.authorize("get_role")
        role = selectors.find(role_id) or selectors.listed({"name": role_id}).first()
        if role is None or role.domain_id is not None:
            raise NotFound(noun="role", id=role_id[:64])
        return Response({"role": documents.render_role(role)})

    def delete(self, request: Any, role_id: str) -> Response:
        self.authorize("delete_role")
        roles.delete(role_id=role_id)
        return Response(status=204)


class ServicesView(V2View):
    request_serializers = {"post": service_serializers.ServiceSerializer}

    def get(self, request: Any) -> Response:
        self.authorize("list_services")
        return Response(self.listed("OS-KSADM:services", service_selectors.listed({}), documents.render_service))

    def post(self, request: Any) -> Response:
        self.authorize("create_service")
        return Response({KSADM: documents.render_service(services.create(values=self.parse(request, KSADM)))})


class ServiceItemView(V2View):
    def get(self, request: Any, service_id: str) -> Response:
        self.authorize("get_service")
        return Response({KSADM: documents.render_service(service_selectors.get(service_id))})

    def delete(self, request: Any, service_id: str) -> Response:
        self.authorize("delete_service")
        services.delete(service_id=service_id)
        return Response(status=204)


class EndpointsView(V2View):
    request_serializers = {"post": EndpointSerializer}

    def get(self, request: Any) -> Response:
        self.authorize("list_endpoints")
        rows, truncated = pages.cut(endpoint_selectors.listed({}))
        answer = {"endpoints": documents.render_endpoints(rows), "endpoints_links": []}
        return Response({**answer, "truncated": True} if truncated else answer)

    def post(self, request: Any) -> Response:
        self.authorize("create_endpoint")
        values = self.parse(request, "endpoint")
        made: list[Endpoint] = endpoints.create_many(
            service_id=values["service_id"],
            region=values.get("region"),
            urls={
                interface.value: values[f"{interface.value}url"]
                for interface in Interface
                if values.get(f"{interface.value}url")
            },
        )
        return Response({"endpoint": documents.render_endpoints(made)[0]})


class EndpointView(V2View):
    def delete(self, request: Any, endpoint_id: str) -> Response:
        """Delete the endpoints of a service in a region, all three."""
        self.authorize("delete_endpoint")
        endpoints.delete_group(endpoint_id=endpoint_id)
        return Response(status=204)
