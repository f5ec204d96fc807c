"""Subnet pools as documents."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking.api.documents.base import standard
from apps.networking.models import SubnetPool
from apps.networking.selectors.sharing import is_shared_with


def render(pool: SubnetPool, context: RequestContext) -> dict[str, Any]:
    """Return the document of a subnet pool; the lengths are texts, as in Neutron."""
    return {
        **standard(pool),
        "name": pool.name,
        "ip_version": pool.ip_version,
        "prefixes": pool.prefixes,
        "min_prefixlen": str(pool.min_prefixlen),
        "max_prefixlen": str(pool.max_prefixlen),
        "default_prefixlen": str(pool.default_prefixlen),
        "default_quota": pool.default_quota,
        "is_default": pool.is_default,
        "shared": is_shared_with(pool, context.project_id),
        "address_scope_id": str(pool.address_scope_id) if pool.address_scope_id else None,
    }
