"""``/v2.0/tenants``: projects of the default domain, and who has which role there."""

from typing import Any

from apps.common.api.views import Response
from apps.identity.api.v2 import documents
from apps.identity.api.v2.base import V2View
from apps.identity.api.v2.serializers import TenantSerializer, TenantUpdateSerializer
from apps.identity.api.views import targets
from apps.identity.api.views.base import target_of_project
from apps.identity.exceptions import NotFound
from apps.identity.models import Project
from apps.identity.selectors import projects as selectors
from apps.identity.selectors import role_assignments, roles, users
from apps.identity.services import projects
from apps.identity.services import role_assignments as role_assignment_services
from apps.identity.states import DEFAULT_DOMAIN_ID


def the_tenant(tenant_id: str) -> Project:
    """Return a project of the default domain. Raises NotFound."""
    project = selectors.find(tenant_id)
    if project is None or project.is_domain or project.domain_id != DEFAULT_DOMAIN_ID:
        raise NotFound(noun="tenant", id=tenant_id[:64])
    return project


class TenantsView(V2View):
    request_serializers = {"post": TenantSerializer}

    def get(self, request: Any) -> Response:
        """List all tenants for administrators, else the caller's own; ``name`` selects one.

        The admin URL lists no caller's own: there it is all or 403.
        """
        subject = {"target.domain_id": DEFAULT_DOMAIN_ID}
        if getattr(request, "at_admin_url", False):
            self.authorize("list_projects", subject)
        if self.allows("list_projects", subject):
            rows = selectors.listed({"domain_id": DEFAULT_DOMAIN_ID})
        else:
            self.authorize("get_auth_projects")
            rows = selectors.of_user(user_id=str(self.caller.user_id)).filter(domain_id=DEFAULT_DOMAIN_ID)
        name = request.query_params.get("name")
        if name is not None:
            project = rows.filter(name=name).first()
            if project is None:
                raise NotFound(noun="tenant", id=name[:64])
            return Response({"tenant": documents.render_tenant(project)})
        return Response(self.listed("tenants", rows, documents.render_tenant))

    def post(self, request: Any) -> Response:
        self.authorize("create_project", {"target.project.domain_id": DEFAULT_DOMAIN_ID})
        values = self.parse(request, "tenant")
        project = projects.create(values=values, default_domain_id=DEFAULT_DOMAIN_ID)
        return Response({"tenant": documents.render_tenant(project)})


class TenantView(V2View):
    request_serializers = {"post": TenantUpdateSerializer, "put": TenantUpdateSerializer}

    def get(self, request: Any, tenant_id: str) -> Response:
        self.authorize("get_project", target_of_project(selectors.find(tenant_id)))
        return Response({"tenant": documents.render_tenant(the_tenant(tenant_id))})

    def post(self, request: Any, tenant_id: str) -> Response:
        self.authorize("update_project", target_of_project(selectors.find(tenant_id)))
        changes = self.parse(request, "tenant")
        project = projects.update(project_id=the_tenant(tenant_id).pk, changes=changes)
        return Response({"tenant": documents.render_tenant(project)})

    put = post

    def delete(self, request: Any, tenant_id: str) -> Response:
        self.authorize("delete_project", target_of_project(selectors.find(tenant_id)))
        projects.delete(project_id=the_tenant(tenant_id).pk)
        return Response(status=204)


class TenantUsersView(V2View):
    def get(self, request: Any, tenant_id: str) -> Response:
        """List the users who have a role on the tenant itself."""
        self.authorize("list_users", {"target.domain_id": DEFAULT_DOMAIN_ID})
        rows = role_assignments.users_on(the_tenant(tenant_id)).filter(domain_id=DEFAULT_DOMAIN_ID)
        return Response(self.listed("users", rows, documents.render_user))


class TenantUserRolesView(V2View):
    def get(self, request: Any, tenant_id: str, user_id: str) -> Response:
        subject = targets.of_grant(actor=users.find(user_id), target=selectors.find(tenant_id), role=None)
        self.authorize("list_grants", subject)
        columns = {"user_id": users.get(user_id).pk, "project_id": the_tenant(tenant_id).pk}
        return Response({"roles": [documents.render_role(row) for row in role_assignments.roles_of(**columns)]})


class TenantUserRoleView(V2View):
    def _who(self, verb: str, tenant_id: str, user_id: str, role_id: str) -> dict[str, Any]:
        role, user = roles.find(role_id), users.find(user_id)
        subject = targets.of_grant(actor=user, target=selectors.find(tenant_id), role=role)
        self.authorize(f"{verb}_grant", {**subject, "target.scope.domain_id": DEFAULT_DOMAIN_ID})
        return {"actor": users.get(user_id), "target": the_tenant(tenant_id), "role": roles.get(role_id)}

    def put(self, request: Any, tenant_id: str, user_id: str, role_id: str) -> Response:
        who = self._who("create", tenant_id, user_id, role_id)
        role_assignment_services.grant(**who, once=True)
        return Response({"role": documents.render_role(who["role"])})

    def delete(self, request: Any, tenant_id: str, user_id: str, role_id: str) -> Response:
        role_assignment_services.revoke(**self._who("revoke", tenant_id, user_id, role_id))
        return Response(status=204)
