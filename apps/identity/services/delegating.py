"""Who may hand on power: what every way of making a credential, a trust or a key asks first (security class 8)."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.identity.exceptions import Forbidden, Invalid, LimitReached
from apps.identity.models import Role


def refuse_delegated(context: RequestContext) -> None:
    """Raise Forbidden (403) for a token that is itself lent. An unrestricted application credential may go on."""
    if not may_read_keys(context):
        raise Forbidden("A token of a trust or of a restricted application credential cannot make credentials.")


def may_read_keys(context: RequestContext) -> bool:
    """Return whether a caller may see EC2 secrets: who signs with one has all of its owner's roles, not those lent."""
    return context.trust_id is None and not context.is_restricted


def refuse_reading_keys(context: RequestContext) -> None:
    """Raise Forbidden (403) for a token of a trust or of a restricted application credential."""
    if not may_read_keys(context):
        raise Forbidden("A token of a trust or of a restricted application credential cannot read EC2 credentials.")


def refuse_beyond_limit(rows: QuerySet[Any], noun: str) -> None:
    """Raise LimitReached (403) when the owner has as many as the settings allow."""
    limit = settings.CREDENTIALS_PER_USER
    if 0 <= limit <= rows.count():
        raise LimitReached(noun=noun, limit=limit)


def roles_of(wanted: Iterable[Mapping[str, str]] | None, held: Iterable[str]) -> list[Role]:
    """Return the roles asked for (all of ``held`` where nothing is). ``held``: names of the giver's roles.

    Raises Invalid (400) for a role that is not there or that the giver does not have itself.
    """
    known = {role.name: role for role in Role.objects.filter(domain=None, name__in=list(held))}
    if wanted is None:
        return list(known.values())
    ids = {role.pk: role for role in known.values()}
    found = []
    for named in wanted:
        # The command line sends a name as an id where its user may not list roles.
        text = named.get("id") or named.get("name") or ""
        role = ids.get(text) or known.get(text)
        if role is None:
            raise Invalid(field="roles", reason=f"role {text[:64]} is not among the roles of the one who gives it")
        found.append(role)
    if not found:
        raise Invalid(field="roles", reason="at least one role is needed")
    return list(dict.fromkeys(found))
