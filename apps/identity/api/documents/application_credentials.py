"""Application credentials as documents."""

from typing import Any

from apps.identity.api.documents.base import zoneless_time_text
from apps.identity.models import AccessRule, ApplicationCredential


def render_rule(rule: AccessRule) -> dict[str, Any]:
    return {"id": rule.pk, "service": rule.service, "method": rule.method, "path": rule.path}


def render(credential: ApplicationCredential, secret: str | None = None) -> dict[str, Any]:
    """Return a credential; ``secret`` only in the answer to its creation."""
    roles = [{"id": role.pk, "name": role.name, "domain_id": role.domain_id} for role in credential.roles.all()]
    rules = [render_rule(rule) for rule in credential.access_rules.all()]
    return {
        "id": credential.pk,
        "name": credential.name,
        "description": credential.description or None,
        "user_id": credential.user_id,
        "project_id": credential.project_id,
        "system": None,
        "expires_at": zoneless_time_text(credential.expires_at),
        "unrestricted": credential.unrestricted,
        "roles": roles,
        **({"access_rules": rules} if rules else {}),
        **({"secret": secret} if secret is not None else {}),
    }
