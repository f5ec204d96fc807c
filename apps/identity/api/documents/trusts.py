"""Trusts as documents."""

from typing import Any

from apps.identity.api.documents.base import link, time_text
from apps.identity.api.documents.roles import render_brief
from apps.identity.models import Trust


def render(request: Any, trust: Trust) -> dict[str, Any]:
    roles = link(request, "OS-TRUST", "trusts", trust.pk, "roles")
    return {
        "id": trust.pk,
        "trustor_user_id": trust.trustor_id,
        "trustee_user_id": trust.trustee_id,
        "project_id": trust.project_id,
        "impersonation": trust.impersonation,
        "expires_at": time_text(trust.expires_at),
        "remaining_uses": trust.remaining_uses,
        "deleted_at": None,
        "redelegation_count": 0,
        "redelegated_trust_id": None,
        "roles": [render_brief(request, role) for role in trust.roles.all()],
        "roles_links": {"self": roles, "next": None, "previous": None},
        "links": {"self": link(request, "OS-TRUST", "trusts", trust.pk)},
    }
