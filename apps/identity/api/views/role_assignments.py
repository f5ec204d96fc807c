"""Grants on projects, domains and the system, and ``/v3/role_assignments``."""

from typing import Any

from apps.identity.api.documents import role_assignments as documents
from apps.identity.api.documents import roles as role_documents
from apps.identity.api.documents.base import envelope, linked
from apps.identity.api.serializers import role_assignments as serializers
from apps.identity.api.views import targets
from apps.identity.api.views.base import IdentityView, Response, target_of_project
from apps.identity.exceptions import NotFound
from apps.identity.models import Group, Project, Role, User
from apps.identity.selectors import domains, groups, projects, roles, users
from apps.identity.selectors import role_assignments as selectors
from apps.identity.services import role_assignments


class GrantView(IdentityView):
    """The base of both views; the route says which kinds of actor and target its ids are."""

    actor = ""
    target = ""
    inherited = False

    def _actor(self, actor_id: str) -> User | Group | None:
        return users.find(actor_id) if self.actor == "user" else groups.find(actor_id)

    def _target(self, target_id: str | None) -> Project | None:
        if target_id is None:
            return None
        return projects.find(target_id) if self.target == "project" else domains.find(target_id)

    def _rule(self, verb: str) -> str:
        """Return the rule's name: those of the system are named one by one."""
        if self.target != "system":
            return f"{verb}_grants" if verb == "list" else f"{verb}_grant"
        return f"list_system_grants_for_{self.actor}" if verb == "list" else f"{verb}_system_grant_for_{self.actor}"

    def columns(self, verb: str, actor_id: str, target_id: str | None, role: Role | None = None) -> dict[str, Any]:
        """Check the rule, then return actor and target. Raises NotFound for either."""
        actor, target = self._actor(actor_id), self._target(target_id)
        named = {f"{self.actor}_id": actor_id, f"{self.target}_id": target_id}  # as Keystone's paths have them
        self.authorize(self._rule(verb), {**named, **targets.of_grant(actor=actor, target=target, role=role)})
        if actor is None:
            raise NotFound(noun=self.actor, id=actor_id[:64])
        if target is None and target_id is not None:
            raise NotFound(noun=self.target, id=target_id[:64])
        return {"actor": actor, "target": target}


class GrantsView(GrantView):
    """The roles that one actor was given on one target."""

    def get(self, request: Any, actor_id: str, target_id: str | None = None) -> Response:
        columns = role_assignments.columns(**self.columns("list", actor_id, target_id))
        rows = selectors.roles_of(**columns, inherited=self.inherited)
        return Response(self.listed("roles", rows, lambda row: linked(request, "roles", role_documents.render(row))))


class GrantRoleView(GrantView):
    """HEAD and GET: 204 or 404. PUT gives the role, DELETE takes it away."""

    def get(self, request: Any, actor_id: str, role_id: str, target_id: str | None = None) -> Response:
        columns = role_assignments.columns(**self.columns("check", actor_id, target_id, roles.find(role_id)))
        if not selectors.exists(**columns, inherited=self.inherited, role_id=roles.get(role_id).pk):
            raise NotFound(noun="role assignment", id=role_id[:64])
        return Response(status=204)

    def put(self, request: Any, actor_id: str, role_id: str, target_id: str | None = None) -> Response:
        who = self.columns("create", actor_id, target_id, roles.find(role_id))
        role_assignments.grant(role=roles.get(role_id), inherited=self.inherited, **who)
        return Response(status=204)

    def delete(self, request: Any, actor_id: str, role_id: str, target_id: str | None = None) -> Response:
        who = self.columns("revoke", actor_id, target_id, roles.find(role_id))
        role_assignments.revoke(role=roles.get(role_id), inherited=self.inherited, **who)
        return Response(status=204)


class RoleAssignmentsView(IdentityView):
    def get(self, request: Any) -> Response:
        params = request.query_params.dict()
        if selectors.asks(params, "include_subtree"):
            project = projects.find(params.get("scope.project.id", ""))
            self.authorize("list_role_assignments_for_tree", target_of_project(project))
        else:
            domain_id = self.caller.domain_id or params.get("scope.domain.id")
            self.authorize("list_role_assignments", {"target.domain_id": domain_id})
        serializers.refuse_contradictions(params)
        # A token of a domain sees the domain's content, as in Keystone.
        grants, truncated = selectors.listed(params, domain_id=self.caller.domain_id)
        names = documents.Names(selectors.named(grants)) if serializers.wants_names(params) else None
        answer = envelope(request, "role_assignments", (documents.render(request, row, names) for row in grants))
        return Response({**answer, "truncated": True} if truncated else answer)
