"""Rules for credentials and delegated tokens, which every read, write and delete checks (security class 8).

A token of a trust or of a restricted application credential makes, changes and deletes none, and reads no keys. A token
of an unrestricted application credential reaches its own project's credentials only, no TOTP secret, and no key
that opens more than its own roles. Other tokens are not asked: the policy rules decide.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.common.context import RequestContext
from apps.identity import locks
from apps.identity.exceptions import Forbidden, Invalid, LimitReached
from apps.identity.models import ApplicationCredential, Credential, Role
from apps.identity.selectors import credentials, scopes
from apps.identity.states import Scope


def refuse_delegated(context: RequestContext) -> None:
    """Raise Forbidden (403) for a token of a trust or of a restricted application credential: it writes none."""
    if not may_read_keys(context):
        raise Forbidden("A token of a trust or of a restricted application credential cannot manage credentials.")


def may_read_keys(context: RequestContext) -> bool:
    """Return whether a caller may read EC2 secrets: a request signed with one has all of its owner's roles."""
    return context.trust_id is None and not context.is_restricted


def refuse_reading_keys(context: RequestContext) -> None:
    """Raise Forbidden (403) for a token of a trust or of a restricted application credential."""
    if not may_read_keys(context):
        raise Forbidden("A token of a trust or of a restricted application credential cannot read EC2 credentials.")


def refuse_trust(context: RequestContext) -> None:
    """Raise Forbidden (403) for a token of a trust: it reaches no application credentials, as in Keystone."""
    if context.trust_id is not None:
        raise Forbidden("A token of a trust cannot manage application credentials.")


def refuse_elsewhere(context: RequestContext, project_id: str | None) -> None:
    """Raise Forbidden (403) when a delegated token names another project than its own, or none."""
    if context.is_delegated and project_id != context.project_id:
        raise Forbidden("The credential's project is not the project of the delegated token.")


def refuse_sign_in_everywhere(context: RequestContext, kind: str) -> None:
    """Raise Forbidden (403) when a delegated token would store a TOTP secret, which no project confines."""
    if context.is_delegated and kind == credentials.TOTP:
        raise Forbidden(
            "A delegated token cannot manage TOTP credentials: they sign in to every project of their user."
        )


def within_reach(context: RequestContext, rows: QuerySet[Credential]) -> QuerySet[Credential]:
    """Return those of ``rows`` that the caller's token may see and change. At most one query more, for delegated ones.

    A TOTP secret opens every project of its owner, so that no delegated token reaches one. An EC2 key opens all of its
    owner's roles in its project, so that an application credential with fewer of them reaches only the keys that it
    made itself.
    """
    if not context.is_delegated:
        return rows
    rows = rows.filter(project_id=context.project_id).exclude(type=credentials.TOTP)
    if not may_read_keys(context):
        return rows.exclude(type__in=credentials.KEYS)
    if _has_all_roles(context):
        return rows
    own = Q(application_credential_id=context.application_credential_id)
    return rows.filter(~Q(type__in=credentials.KEYS) | own)


def refuse_out_of_reach(context: RequestContext, credential: Credential) -> None:
    """Raise Forbidden (403) for a credential that the caller's token does not reach."""
    if context.is_delegated and not within_reach(context, Credential.objects.filter(pk=credential.pk)).exists():
        raise Forbidden("The credential is out of reach of a delegated token.")


def application_credentials_within_reach(
    context: RequestContext, rows: QuerySet[ApplicationCredential]
) -> QuerySet[ApplicationCredential]:
    """Return those of ``rows`` that the caller's token may see and delete: a delegated one, those of its project."""
    return rows.filter(project_id=context.project_id) if context.is_delegated else rows


def _has_all_roles(context: RequestContext) -> bool:
    """Return whether the token has every role that its user holds in its project."""
    there = scopes.scoped_user(user_id=str(context.user_id), scope=Scope.PROJECT, scope_id=context.project_id)
    return there is None or set(there.role_names) <= set(context.roles)


def refuse_beyond_limit(
    *, owner_id: str, rows: QuerySet[Any], noun: str, more: int = 1, limit: int | None = None
) -> None:
    """Raise LimitReached (403) when ``more`` rows are more than the owner may have. Default: CREDENTIALS_PER_USER.

    The owner's row stays locked until the transaction ends, so that requests at one time do not all fit in.
    """
    limit = settings.CREDENTIALS_PER_USER if limit is None else limit
    if limit < 0 or more <= 0:
        return
    locks.owner(owner_id)
    if rows.count() + more > limit:
        raise LimitReached(noun=noun, limit=limit)


def roles_of(wanted: Iterable[Mapping[str, str]] | None, held: Iterable[str]) -> list[Role]:
    """Return the requested roles (by default all of ``held``). ``held``: names of the giver's roles.

    Raises Invalid (400) for a role that does not exist or that the giver does not have.
    """
    known = {role.name: role for role in Role.objects.filter(domain=None, name__in=list(held))}
    if wanted is None:
        return list(known.values())
    ids = {role.pk: role for role in known.values()}
    roles = []
    for named in wanted:
        # The command line sends a name as an id where its user may not list roles.
        text = named.get("id") or named.get("name") or ""
        role = ids.get(text) or known.get(text)
        if role is None:
            raise Invalid(field="roles", reason=f"role {text[:64]} is not among the roles of the one who gives it")
        roles.append(role)
    if not roles:
        raise Invalid(field="roles", reason="at least one role is needed")
    return list(dict.fromkeys(roles))
