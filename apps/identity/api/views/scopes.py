"""``/v3/auth/{catalog,projects,domains,system}``: possible scopes of the caller's token."""

from typing import Any

from apps.identity.api.documents import domains as domain_documents
from apps.identity.api.documents import projects as project_documents
from apps.identity.api.documents.base import link, linked
from apps.identity.api.views.base import IdentityView, Response
from apps.identity.exceptions import Forbidden
from apps.identity.selectors import catalog, domains, projects, scopes
from apps.identity.states import Scope


class AuthCatalogView(IdentityView):
    def get(self, request: Any) -> Response:
        self.authorize("get_auth_catalog")
        caller = self.caller
        if caller.project_id is None and caller.domain_id is None and caller.system_scope is None:
            raise Forbidden("The catalog needs a token with a scope.")
        services = catalog.catalog(user_id=str(caller.user_id), project_id=caller.project_id)
        return Response({"catalog": services, "links": {"self": link(request, "auth", "catalog")}})


class AuthProjectsView(IdentityView):
    def get(self, request: Any) -> Response:
        self.authorize("get_auth_projects")
        rows = projects.of_user(user_id=str(self.caller.user_id))
        return Response(
            self.listed("projects", rows, lambda row: linked(request, "projects", project_documents.render(row)))
        )


class AuthDomainsView(IdentityView):
    def get(self, request: Any) -> Response:
        self.authorize("get_auth_domains")
        rows = domains.of_user(user_id=str(self.caller.user_id))
        return Response(
            self.listed("domains", rows, lambda row: linked(request, "domains", domain_documents.render(row)))
        )


class AuthSystemView(IdentityView):
    def get(self, request: Any) -> Response:
        self.authorize("get_auth_system")
        scoped_user = scopes.scoped_user(user_id=str(self.caller.user_id), scope=Scope.SYSTEM)
        reached = [{"all": True}] if scoped_user is not None and scoped_user.roles else []
        return Response({"system": reached, "links": {"self": link(request, "auth", "system")}})
