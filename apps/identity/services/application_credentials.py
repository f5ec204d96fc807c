"""Writing application credentials."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import hashers
from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.identity.exceptions import Forbidden, Invalid, RuleInUse
from apps.identity.models import AccessRule, ApplicationCredential
from apps.identity.selectors import application_credentials as selectors
from apps.identity.services import delegation_rules, passwords, row_writes


@transaction.atomic
def create(*, context: RequestContext, values: Mapping[str, Any]) -> tuple[ApplicationCredential, str]:
    """Make a credential of the caller for its project. Returns it with its secret, which is never shown again.

    Raises Forbidden (403) for delegated tokens, Invalid (400) for roles that the caller's token has not.
    """
    delegation_rules.refuse_delegated(context)
    if context.project_id is None or context.user_id is None:
        raise Forbidden("An application credential needs a token for a project.")
    own = ApplicationCredential.objects.filter(user_id=context.user_id)
    delegation_rules.refuse_beyond_limit(owner_id=context.user_id, rows=own, noun="application credential")
    expires_at = values.get("expires_at")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid(field="expires_at", reason="it is in the past")
    roles = delegation_rules.roles_of(values.get("roles") or None, context.roles)
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
    with row_writes.unique("application_credential", f"name {credential.name} of user {context.user_id}"):
        credential.save(force_insert=True)
    credential.roles.set(roles)
    credential.access_rules.set(_rules(context.user_id, values.get("access_rules") or ()))
    audit.record("create", "application_credential", credential.pk, details={"roles": [role.name for role in roles]})
    return credential, secret


def _rules(user_id: str, wanted: Any) -> list[AccessRule]:
    """Return the user's rules, named by ID or by content; missing ones are created.

    Raises LimitReached (403): rules outlive their credentials, so they have a separate limit.
    """
    existing: list[AccessRule] = []
    new: list[AccessRule] = []
    for named in wanted:
        if "id" in named:
            existing.append(selectors.rule(user_id=user_id, rule_id=named["id"]))
            continue
        rule = AccessRule(user_id=user_id, **{name: named[name] for name in ("service", "method", "path")})
        there = selectors.same_rule(rule)
        (existing if there is not None else new).append(there or rule)
    delegation_rules.refuse_beyond_limit(
        owner_id=user_id, rows=AccessRule.objects.filter(user_id=user_id), noun="access rule", more=len(new),
        limit=settings.ACCESS_RULES_PER_USER,
    )  # fmt: skip
    return existing + [
        AccessRule.objects.get_or_create(user_id=user_id, service=rule.service, method=rule.method, path=rule.path)[0]
        for rule in new
    ]


@transaction.atomic
def delete(*, context: RequestContext, user_id: str, credential_id: str) -> None:
    """Delete a credential: its tokens are dead with the next request. A restricted one deletes none, as in Keystone."""
    delegation_rules.refuse_delegated(context)
    credential = selectors.get(user_id=user_id, credential_id=credential_id)
    delegation_rules.refuse_elsewhere(context, credential.project_id)
    credential.delete()
    audit.record("delete", "application_credential", credential_id)


@transaction.atomic
def delete_rule(*, context: RequestContext, user_id: str, rule_id: str) -> None:
    """Delete a rule. Raises RuleInUse (403) while a credential has it; it outlives its credentials, as in Keystone."""
    delegation_rules.refuse_delegated(context)
    rule = selectors.rule(user_id=user_id, rule_id=rule_id)
    if rule.application_credentials.exists():
        raise RuleInUse(id=rule.pk)
    rule.delete()
    audit.record("delete", "access_rule", rule_id)
