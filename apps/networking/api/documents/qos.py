"""QoS policies and rules as documents."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking import states
from apps.networking.api.documents.base import standard
from apps.networking.models import QosPolicy, QosRule
from apps.networking.selectors.sharing import is_shared_with


def policy(row: QosPolicy, context: RequestContext) -> dict[str, Any]:
    """Return the document of a policy with its rules."""
    return {
        **standard(row),
        "name": row.name,
        "shared": is_shared_with(row, context.project_id),
        "is_default": row.is_default,
        "rules": [{**rule(item), "qos_policy_id": str(row.id), "type": item.kind} for item in row.rules.all()],
    }


def rule(row: QosRule) -> dict[str, Any]:
    """Return the document of a rule."""
    if row.kind == states.DSCP_MARKING:
        return {"id": str(row.id), "dscp_mark": row.dscp_mark}
    return {
        "id": str(row.id),
        "max_kbps": row.max_kbps,
        "max_burst_kbps": row.max_burst_kbps,
        "direction": row.direction,
    }
