"""Role assignments as documents."""

from collections.abc import Mapping
from typing import Any

from apps.identity.api.documents.base import link
from apps.identity.selectors.role_assignments import Grant


class Names:
    """The names that a list of grants shows."""

    def __init__(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        self._of = rows

    def of(self, kind: str, pk: str) -> dict[str, Any]:
        """Return the id, name and domain of an actor, a role or a target; its id alone where it is gone."""
        row = self._of[kind].get(pk)
        if row is None:
            return {"id": pk}
        document: dict[str, Any] = {"id": pk, "name": row.name}
        if getattr(row, "domain", None) is not None:
            document["domain"] = {"id": row.domain.pk, "name": row.domain.name}
        return document


def _links(request: Any, grant: Grant) -> dict[str, str]:
    """Return links to the assignment, the membership and the implication that grant this role."""
    stated = grant.source
    place = ["system"] if stated.system else ["projects", stated.project_id or ""]
    if stated.domain_id:
        place = ["domains", stated.domain_id]
    actor = ["groups", stated.group_id] if stated.group_id else ["users", stated.user_id or ""]
    parts = [*place, *actor, "roles", stated.role_id]
    if stated.inherited:
        parts = ["OS-INHERIT", *parts, "inherited_to_projects"]
    links = {"assignment": link(request, *parts)}
    if stated.group_id and grant.user_id:
        links["membership"] = link(request, "groups", stated.group_id, "users", grant.user_id)
    if grant.prior_role_id:
        links["prior_role"] = link(request, "roles", grant.prior_role_id, "implies", grant.role_id)
    return links


def render(request: Any, grant: Grant, names: Names | None) -> dict[str, Any]:
    """Return ``{role, scope, user|group, links}``; with ``names`` each carries its name and domain."""

    def shown(kind: str, pk: str) -> dict[str, Any]:
        return names.of(kind, pk) if names is not None else {"id": pk}

    kind, pk = ("project", grant.project_id) if grant.project_id else ("domain", grant.domain_id)
    scope: dict[str, Any] = {"system": {"all": True}} if grant.system else {kind: shown(kind, str(pk))}
    if grant.inherited:
        scope["OS-INHERIT:inherited_to"] = "projects"
    actor, actor_id = ("user", grant.user_id) if grant.user_id else ("group", grant.group_id)
    return {
        "role": shown("role", grant.role_id),
        "scope": scope,
        actor: shown(actor, str(actor_id)),
        "links": _links(request, grant),
    }
