"""RBAC policies on the wire."""

import uuid
from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text, UUIDString
from apps.networking.api.serializers.base import ProjectField
from apps.networking.services.shared_objects import EVERYBODY, TYPES


class _TargetField(Text):
    """A project's id in the form in which projects have it, 32 hexadecimal digits, or "*" for everybody."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 64, "required": False, **kwargs})

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        if text == EVERYBODY:
            return text
        try:
            return uuid.UUID(text).hex
        except ValueError:
            raise serializers.ValidationError(
                f"'{text}' is not a valid target project ID; expected a UUID or '*'"
            ) from None


class RbacPolicyUpdate(StrictSerializer):
    """Another target of a policy, under its old name or its new one."""

    target_tenant = _TargetField()
    target_project = _TargetField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = {attrs.pop(name) for name in ("target_tenant", "target_project") if name in attrs}
        if len(named) != 1:
            raise serializers.ValidationError({"target_tenant": ["it is required, once"]})
        return {**attrs, "target_project": named.pop()}


class RbacPolicyCreate(RbacPolicyUpdate):
    """A new policy."""

    object_type = Text(max_length=32)
    object_id = UUIDString()
    action = Text(max_length=64)
    project_id = ProjectField()
    tenant_id = ProjectField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        kind, action = attrs["object_type"], attrs["action"]
        if kind not in TYPES:
            raise serializers.ValidationError({"object_type": [f"'{kind}' is not a valid RBAC object type"]})
        if action not in TYPES[kind].users:
            valid = list(TYPES[kind].users)
            text = f"Invalid action '{action}' for object type '{kind}'. Valid actions: {valid}"
            raise serializers.ValidationError({"action": [text]})
        return attrs
