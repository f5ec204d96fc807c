"""RBAC policies as documents."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking.models import RbacPolicy


def render(policy: RbacPolicy, context: RequestContext) -> dict[str, Any]:
    """Return the document of a policy."""
    return {
        "id": str(policy.id),
        "project_id": policy.project_id,
        "tenant_id": policy.project_id,
        "object_type": policy.object_type,
        "object_id": str(policy.object_id),
        "action": policy.action,
        "target_tenant": policy.target_project,
        "target_project": policy.target_project,
    }
