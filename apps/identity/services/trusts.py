"""Writing trusts."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.identity.exceptions import Forbidden, Invalid
from apps.identity.models import Trust
from apps.identity.selectors import projects, scopes, users
from apps.identity.selectors import trusts as selectors
from apps.identity.services import delegation_rules
from apps.identity.states import Scope


@transaction.atomic
def create(*, context: RequestContext, values: Mapping[str, Any]) -> Trust:
    """Lend roles to another user. Only the trustor can, with its own token and roles that it has there.

    Raises Forbidden (403), NotFound (404), Invalid (400).
    """
    if context.is_delegated:
        raise Forbidden("A delegated token cannot make a trust.")
    if values["trustor_user_id"] != context.user_id:
        raise Forbidden("A trust is made by its trustor.")
    if values.get("allow_redelegation"):
        raise Forbidden("Trusts cannot be handed on.")
    own = Trust.objects.filter(trustor_id=context.user_id)
    delegation_rules.refuse_beyond_limit(owner_id=str(context.user_id), rows=own, noun="trust")
    trustee, project = users.get(values["trustee_user_id"]), projects.get(values["project_id"])
    expires_at = values.get("expires_at")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid(field="expires_at", reason="it is in the past")
    there = scopes.scoped_user(user_id=str(context.user_id), scope=Scope.PROJECT, scope_id=project.pk)
    if there is None or not there.is_valid(there.now):
        raise Forbidden("The trustor has no role on this project.")
    roles = delegation_rules.roles_of(values.get("roles") or (), there.role_names)
    trust = Trust.objects.create(
        trustor_id=str(context.user_id),
        trustee=trustee,
        project=project,
        impersonation=values["impersonation"],
        expires_at=expires_at,
        remaining_uses=values.get("remaining_uses"),
    )
    trust.roles.set(roles)
    audit.record("create", "trust", trust.pk, details={"trustee": trustee.pk, "roles": [role.name for role in roles]})
    return trust


@transaction.atomic
def delete(*, context: RequestContext, trust_id: str) -> None:
    """End a trust with every token of it."""
    if context.is_delegated:
        raise Forbidden("A delegated token cannot delete a trust.")
    selectors.get(trust_id).delete()
    audit.record("delete", "trust", trust_id)


def consume(*, trust_id: str, trustee_id: str) -> Trust:
    """Return the trust after taking one of its uses. Raises Forbidden when it is not the caller's, or used up."""
    trust = selectors.find(trust_id)
    if trust is None or trust.trustee_id != trustee_id:
        raise Forbidden("There is no such trust for this user.")
    open_ones = Trust.objects.filter(Q(remaining_uses=None) | Q(remaining_uses__gt=0), pk=trust.pk)
    if not open_ones.update(remaining_uses=F("remaining_uses") - 1):
        raise Forbidden("No use of this trust remains.")
    return trust


def give_back(*, trust_id: str) -> None:
    """Undo ``consume`` where no token came of it."""
    Trust.objects.filter(pk=trust_id, remaining_uses__isnull=False).update(remaining_uses=F("remaining_uses") + 1)
