"""Events that other services report about servers."""

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text
from apps.common.microversions import since
from apps.compute.services.server_external_events import NETWORK_EVENTS

STATUSES = ("failed", "completed", "in-progress")
# Nova's names, with the first microversion of each.
NAMES = {
    **dict.fromkeys(NETWORK_EVENTS, since("2.1")),
    "volume-extended": since("2.51"),
    "power-update": since("2.76"),
    "accelerator-request-bound": since("2.82"),
    "volume-reimaged": since("2.93"),
}


class ExternalEvent(StrictSerializer):
    """One event. ``tag`` names what it is about: a port, a volume, a power state."""

    server_uuid = serializers.UUIDField()
    name = serializers.ChoiceField(sorted(NAMES))
    status = serializers.ChoiceField(STATUSES, required=False)
    tag = Text(required=False, max_length=255, allow_blank=True)

    def validate_name(self, value: str) -> str:
        if self.version is not None and self.version not in NAMES[value]:
            raise serializers.ValidationError(f"{value} is not an event of this microversion")
        return value


class ExternalEvents(StrictSerializer):
    """Events of one or several servers."""

    events = serializers.ListField(child=ExternalEvent(), min_length=1, max_length=1000)
