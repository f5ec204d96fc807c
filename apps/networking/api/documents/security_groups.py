"""Security groups as documents."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking.api.documents import security_group_rules
from apps.networking.api.documents.base import standard
from apps.networking.models import SecurityGroup
from apps.networking.selectors.sharing import is_shared_with


def render(group: SecurityGroup, context: RequestContext) -> dict[str, Any]:
    """Return the document of a group with all of its rules."""
    rules = sorted(group.rules.all(), key=lambda rule: (rule.created_at, rule.id))
    return {
        **standard(group),
        "name": group.name,
        "stateful": group.stateful,
        "shared": is_shared_with(group, context.project_id),
        "security_group_rules": [security_group_rules.render(rule, context) for rule in rules],
    }
