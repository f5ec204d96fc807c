"""Address groups as documents."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking.api.documents.base import standard
from apps.networking.models import AddressGroup
from apps.networking.selectors.sharing import is_shared_with


def render(group: AddressGroup, context: RequestContext) -> dict[str, Any]:
    """Return the document of an address group."""
    return {
        **standard(group),
        "name": group.name,
        "addresses": group.addresses,
        "shared": is_shared_with(group, context.project_id),
    }
