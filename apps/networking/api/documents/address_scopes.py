"""Address scopes as documents."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking.models import AddressScope
from apps.networking.selectors.sharing import is_shared_with


def render(scope: AddressScope, context: RequestContext) -> dict[str, Any]:
    """Return the document of an address scope, which has no tags and no times in Neutron."""
    return {
        "id": str(scope.id),
        "project_id": scope.project_id,
        "tenant_id": scope.project_id,
        "name": scope.name,
        "ip_version": scope.ip_version,
        "shared": is_shared_with(scope, context.project_id),
    }
