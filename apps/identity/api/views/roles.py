"""``/v3/roles`` and their implications."""

from typing import Any

from django.db.models import QuerySet

from apps.identity.api.documents import roles as documents
from apps.identity.api.documents.base import link
from apps.identity.api.serializers import roles as serializers
from apps.identity.api.views.base import Collection, IdentityView, Item, Noun, Response, target_of_role
from apps.identity.exceptions import NotFound
from apps.identity.models import Role
from apps.identity.selectors import roles as selectors
from apps.identity.services import roles


class _Roles(Noun):
    noun, plural = "role", "roles"

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class RolesView(_Roles, Collection):
    request_serializers = {"post": serializers.RoleSerializer}
    examples = {"POST": {"role": {"name": ""}}}

    def permit(self, action: str, row: Any = None) -> None:
        domain_id = self.request.query_params.get("domain_id")
        self.authorize("list_domain_roles" if domain_id else "list_roles", {"target.role.domain_id": domain_id})

    def rows(self) -> QuerySet[Role]:
        return selectors.listed(self.request.query_params.dict())

    def values(self, request: Any) -> dict[str, Any]:
        values = self.parse(request, "role")
        domain_id = values.get("domain_id")
        rule = "create_domain_role" if domain_id else "create_role"
        self.authorize(rule, {"target.role.domain_id": domain_id, "target.role.name": values["name"]})
        return values

    def make(self, values: dict[str, Any]) -> Role:
        return roles.create(values=values)


class RoleView(_Roles, Item):
    request_serializers = {"patch": serializers.RoleUpdateSerializer}

    def permit(self, action: str, row: Any = None) -> None:
        role = selectors.find(self.kwargs["role_id"])
        noun = "domain_role" if role is not None and role.domain_id else "role"
        self.authorize(f"{'get' if action == 'show' else action}_{noun}", target_of_role(role))

    def load(self, key: str) -> Role:
        return selectors.get(key)

    def change(self, key: str, changes: dict[str, Any]) -> Role:
        return roles.update(role_id=key, changes=changes)

    def remove(self, key: str) -> None:
        roles.delete(role_id=key)


class ImpliedRolesView(IdentityView):
    def get(self, request: Any, role_id: str) -> Response:
        self.authorize("list_implied_roles")
        prior = selectors.get(role_id)
        implied = [documents.render_brief(request, row) for row in selectors.implied_by(role_id)]
        links = {"self": link(request, "roles", role_id, "implies")}
        return Response(
            {
                "role_inference": {"prior_role": documents.render_brief(request, prior), "implies": implied},
                "links": links,
            }
        )


class ImpliedRoleView(IdentityView):
    def _answer(self, request: Any, prior: Role, implied: Role, status: int = 200) -> Response:
        links = {"self": link(request, "roles", prior.pk, "implies", implied.pk)}
        inference = {
            "prior_role": documents.render_brief(request, prior),
            "implies": documents.render_brief(request, implied),
        }
        return Response({"role_inference": inference, "links": links}, status=status)

    @staticmethod
    def _pair(role_id: str, implied_role_id: str) -> tuple[Role, Role]:
        """Return both roles. Raises NotFound unless the first implies the second."""
        prior, implied = selectors.get(role_id), selectors.get(implied_role_id)
        if not selectors.implies(prior_id=role_id, implied_id=implied_role_id):
            raise NotFound(noun="implied role", id=implied_role_id)
        return prior, implied

    def get(self, request: Any, role_id: str, implied_role_id: str) -> Response:
        self.authorize("get_implied_role")
        return self._answer(request, *self._pair(role_id, implied_role_id))

    def head(self, request: Any, role_id: str, implied_role_id: str) -> Response:
        """Answer 204 where GET answers 200, as Keystone does."""
        self.authorize("check_implied_role")
        self._pair(role_id, implied_role_id)
        return Response(status=204)

    def put(self, request: Any, role_id: str, implied_role_id: str) -> Response:
        self.authorize("create_implied_role")
        prior, implied = roles.imply(prior_id=role_id, implied_id=implied_role_id)
        return self._answer(request, prior, implied, 201)

    def delete(self, request: Any, role_id: str, implied_role_id: str) -> Response:
        self.authorize("delete_implied_role")
        roles.unimply(prior_id=role_id, implied_id=implied_role_id)
        return Response(status=204)


class RoleInferencesView(IdentityView):
    def get(self, request: Any) -> Response:
        self.authorize("list_role_inference_rules")
        inferences = [
            {
                "prior_role": documents.render_brief(request, prior),
                "implies": [documents.render_brief(request, row) for row in implied],
            }
            for prior, implied in selectors.inferences()
        ]
        return Response({"role_inferences": inferences, "links": {"self": link(request, "role_inferences")}})
