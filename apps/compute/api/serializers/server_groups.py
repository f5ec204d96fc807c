"""Requests and documents of server groups, by microversion."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import PrintableName, StrictSerializer
from apps.common.microversions import since
from apps.compute import states
from apps.compute.api import versions
from apps.compute.api.documents.server_groups import FIELDS

BIG = 0x7FFFFFFF
SOFT_POLICIES = since("2.15")


class Rules(StrictSerializer):
    max_server_per_host = serializers.IntegerField(required=False, min_value=1, max_value=BIG)


class ServerGroupCreate(StrictSerializer):
    """``policies`` is a list of one policy until 2.63, from then on ``policy`` is that one."""

    name = PrintableName()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        version = versions.of(self.context)
        known = states.GROUP_POLICIES if version in SOFT_POLICIES else states.HARD_POLICIES
        if version in FIELDS["policy"]:
            fields["policy"] = serializers.ChoiceField(known)
            fields["rules"] = Rules(required=False)
        else:
            policy = serializers.ChoiceField(known)
            fields["policies"] = serializers.ListField(child=policy, min_length=1, max_length=1)
        return fields

    def validate(self, attrs: Any) -> Any:
        policy = attrs["policy"] if "policy" in attrs else attrs["policies"][0]
        return {"name": attrs["name"], "policy": policy, "rules": dict(attrs.get("rules") or {})}
