"""Security groups on the wire."""

from typing import Any

from rest_framework import serializers

from apps.common.context import RequestContext
from apps.networking.api.serializers import security_group_rules
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer, standard
from apps.networking.models import SecurityGroup


def render(group: SecurityGroup, context: RequestContext) -> dict[str, Any]:
    """Return the document of a group with all of its rules."""
    rules = sorted(group.rules.all(), key=lambda rule: (rule.created_at, rule.id))
    return {
        **standard(group),
        "name": group.name,
        "stateful": group.stateful,
        "shared": False,
        "security_group_rules": [security_group_rules.render(rule, context) for rule in rules],
    }


class SecurityGroupUpdate(ResourceSerializer):
    """Changes of a group."""

    stateful = serializers.BooleanField(required=False)


class SecurityGroupCreate(SecurityGroupUpdate, OwnedSerializer):
    """A new group."""
