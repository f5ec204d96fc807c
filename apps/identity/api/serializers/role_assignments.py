"""Role assignments on the wire."""

from collections.abc import Mapping

from apps.common.exceptions import BadRequest
from apps.identity.selectors.role_assignments import INHERITED_TO, asks


def wants_names(params: Mapping[str, str]) -> bool:
    return asks(params, "include_names")


# Keystone's words: one assignment has one actor and one target, and an effective one is a user's.
_EXCLUSIVE = (
    ("scope.domain.id", "scope.project.id", "Specify a domain or project, not both"),
    ("scope.system", "scope.domain.id", "Specify system or domain, not both"),
    ("scope.system", "scope.project.id", "Specify system or project, not both"),
    ("user.id", "group.id", "Specify a user or group, not both"),
    ("effective", "group.id", "Combining effective and group filter will always result in an empty list."),
)


def refuse_contradictions(params: Mapping[str, str]) -> None:
    """Raise BadRequest (400) for filters that nothing could match, and for a subtree of no project."""
    given = {name for name, value in params.items() if value}
    given = given - {"effective"} | ({"effective"} if asks(params, "effective") else set())
    for name, other, message in _EXCLUSIVE:
        if {name, other} <= given:
            raise BadRequest(message)
    if {"effective", "scope.domain.id"} <= given and params.get(INHERITED_TO) == "projects":
        raise BadRequest("Combining effective, domain and inherited filters will always result in an empty list.")
    if asks(params, "include_subtree") and "scope.project.id" not in given:
        raise BadRequest("scope.project.id must be specified if include_subtree is also specified")
