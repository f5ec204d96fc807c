"""Writing application credentials."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import hashers
from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.identity.exceptions import Forbidden, InUse, Invalid
from apps.identity.models import AccessRule, ApplicationCredential
from apps.identity.selectors import application_credentials as reading
from apps.identity.services import delegating, passwords, saving

MAX_ACCESS_RULES = 100


@transaction.atomic
def create(*, context: RequestContext, values: Mapping[str, Any]) -> tuple[ApplicationCredential, str]:
    """Make a credential of the caller for its project. Returns it with its secret, which is never shown again.

    Raises Forbidden (403) for delegated tokens, Invalid (400) for roles that the caller's token has not.
    """
    delegating.refuse_delegated(context)
    if context.project_id is None or context.user_id is None:
        raise Forbidden("An application credential needs a token for a project.")
    delegating.refuse_beyond_limit(
        ApplicationCredential.objects.filter(user_id=context.user_id), "application credential"
    )
    expires_at = values.get("expires_at")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid(field="expires_at", reason="it lies in the past")
    roles = delegating.roles_of(values.get("roles") or None, context.roles)
    secret = values.get("secret") or secrets.token_urlsafe(64)
    passwords.refuse_overlong(secret)
    credential = ApplicationCredential(
        user_id=context.user_id,
        project_id=context.project_id,
        name=values["name"],
        description=values.get("description", ""),
        secret=hashers.make_password(secret),
        unrestricted=bool(values.get("unrestricted")),
        expires_at=expires_at,
    )
    with saving.unique("application_credential", f"name {credential.name} of user {context.user_id}"):
        credential.save(force_insert=True)
    credential.roles.set(roles)
    credential.access_rules.set(_rules(context.user_id, values.get("access_rules") or ()))
    audit.record("create", "application_credential", credential.pk, details={"roles": [role.name for role in roles]})
    return credential, secret


def _rules(user_id: str, wanted: Any) -> list[AccessRule]:
    """Return the user's rules that are named by id or by what they say, made where they are not there."""
    found = []
    for named in wanted:
        if "id" in named:
            found.append(reading.rule(user_id=user_id, rule_id=named["id"]))
        else:
            what = {name: named[name] for name in ("service", "method", "path")}
            found.append(AccessRule.objects.get_or_create(user_id=user_id, **what)[0])
    return found


@transaction.atomic
def delete(*, context: RequestContext, user_id: str, credential_id: str) -> None:
    """Delete a credential: its tokens are dead with the next request. A restricted one deletes none, as in Keystone."""
    delegating.refuse_delegated(context)
    reading.get(user_id=user_id, credential_id=credential_id).delete()
    audit.record("delete", "application_credential", credential_id)


@transaction.atomic
def delete_rule(*, context: RequestContext, user_id: str, rule_id: str) -> None:
    """Raises InUse (409) while a credential has the rule."""
    delegating.refuse_delegated(context)
    rule = reading.rule(user_id=user_id, rule_id=rule_id)
    used = rule.application_credentials.count()
    if used:
        raise InUse(noun="access rule", id=rule.pk, resources=f"{used} application credentials")
    rule.delete()
    audit.record("delete", "access_rule", rule_id)
