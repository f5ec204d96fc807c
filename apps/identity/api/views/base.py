"""What identity's views share: a rule about a row that may not be there, and lists bound to a domain."""

from typing import Any

from apps.common import policy
from apps.common.api.views import Response, ServiceView
from apps.identity.api.openapi import IdentitySchema
from apps.identity.models import Group, Project, Role, User
from apps.identity.selectors import role_assignments
from apps.identity.states import DEFAULT_DOMAIN_ID

__all__ = [
    "IdentityView",
    "Response",
    "target_of_group",
    "target_of_project",
    "target_of_user",
    "target_of_written_user",
]


def target_of_user(user: User | None) -> dict[str, Any]:
    """Return what rules may look at; nothing for a user that is not there, so that ordinary callers learn nothing."""
    if user is None:
        return {}
    return {"target.user.id": user.pk, "target.user.domain_id": user.domain_id}


def target_of_written_user(user: User | None) -> dict[str, Any]:
    """Return what the rules of changing a user look at beyond that: whether it is an administrator, say. 1 query."""
    if user is None:
        return {}
    return {**target_of_user(user), "target.user.is_privileged": role_assignments.is_privileged(user)}


def target_of_group(group: Group | None) -> dict[str, Any]:
    return {} if group is None else {"target.group.id": group.pk, "target.group.domain_id": group.domain_id}


def target_of_project(project: Project | None) -> dict[str, Any]:
    if project is None:
        return {}
    return {"target.project.id": project.pk, "target.project.domain_id": project.domain_id}


def target_of_role(role: Role | None) -> dict[str, Any]:
    return {} if role is None else {"target.role.name": role.name, "target.role.domain_id": role.domain_id}


class IdentityView(ServiceView):
    schema = IdentitySchema()
    bodiless = False  # whether all its answers are 204

    def authorize(self, rule: str, target: dict[str, Any] | None = None) -> None:
        """Raise PolicyForbidden (403) unless ``identity:<rule>`` allows the call on ``target``.

        Rules may look at the ids of the path too, as in Keystone: ``user_id:%(user_id)s``.
        """
        policy.check(self.caller, f"identity:{rule}", {**self.kwargs, **(target or {})})

    def allows(self, rule: str, target: dict[str, Any] | None = None) -> bool:
        """Return whether ``identity:<rule>`` allows the call on ``target``."""
        return policy.allowed(self.caller, f"identity:{rule}", target or {})

    def authorize_list(self, request: Any, rule: str) -> dict[str, str]:
        """Return the query of a list; a token for a domain sees that domain where none is named."""
        params: dict[str, str] = request.query_params.dict()
        if self.caller.domain_id is not None:
            params.setdefault("domain_id", self.caller.domain_id)
        self.authorize(rule, {"target.domain_id": params.get("domain_id")})
        return params

    @property
    def own_domain_id(self) -> str:
        """Return the domain that new things go to when the request names none."""
        caller = self.caller
        return caller.domain_id or caller.project_domain_id or caller.user_domain_id or DEFAULT_DOMAIN_ID
