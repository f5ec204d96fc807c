"""Server groups: what a client may send, and what it gets back, by microversion."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from apps.common import microversions
from apps.common.api.serializers import PrintableName, StrictSerializer
from apps.common.microversions import Version, since
from apps.compute import states
from apps.compute.api import documents
from apps.compute.models import ServerGroup

BIG = 0x7FFFFFFF
SOFT_POLICIES = since("2.15")
# Names of the body and of the document by version.
FIELDS = {
    "policies": since("2.1", "2.63"),
    "metadata": since("2.1", "2.63"),
    "policy": since("2.64"),
    "rules": since("2.64"),
    "project_id": since("2.13"),
    "user_id": since("2.13"),
}


class Rules(StrictSerializer):
    max_server_per_host = serializers.IntegerField(required=False, min_value=1, max_value=BIG)


class ServerGroupCreate(StrictSerializer):
    """``policies`` is a list of one policy until 2.63, from then on ``policy`` is that one."""

    name = PrintableName()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        version = documents.version_of(self.context)
        known = states.GROUP_POLICIES if version in SOFT_POLICIES else states.HARD_POLICIES
        if version in FIELDS["policy"]:
            fields["policy"] = serializers.ChoiceField(known)
            fields["rules"] = Rules(required=False)
        else:
            one = serializers.ChoiceField(known)
            fields["policies"] = serializers.ListField(child=one, min_length=1, max_length=1)
        return fields

    def validate(self, attrs: Any) -> Any:
        policy = attrs["policy"] if "policy" in attrs else attrs["policies"][0]
        return {"name": attrs["name"], "policy": policy, "rules": dict(attrs.get("rules") or {})}


def document(group: ServerGroup, *, members: Sequence[Any], version: Version) -> dict[str, Any]:
    """``members`` are ids of servers that are not deleted. ``metadata`` was always empty."""
    found = {
        "id": str(group.id),
        "name": group.name,
        "policies": [group.policy],
        "policy": group.policy,
        "rules": group.rules,
        "metadata": {},
        "members": [str(one) for one in members],
        "project_id": group.project_id,
        "user_id": group.user_id,
    }
    return microversions.without(found, microversions.hidden(FIELDS, version))
