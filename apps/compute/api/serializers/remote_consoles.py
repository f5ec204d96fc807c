"""Requests for remote consoles."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer
from apps.common.microversions import since

# word -> the microversions that have it
PROTOCOLS = {**dict.fromkeys(("vnc", "spice", "serial", "rdp"), since("2.6")), "mks": since("2.8")}
TYPES = {
    **dict.fromkeys(("novnc", "xvpvnc", "spice-html5", "serial", "rdp-html5"), since("2.6")),
    "webmks": since("2.8"), "spice-direct": since("2.99"),
}  # fmt: skip


class RemoteConsole(StrictSerializer):
    protocol = serializers.ChoiceField(list(PROTOCOLS))
    type = serializers.ChoiceField(list(TYPES))

    def validate(self, attrs: Any) -> Any:
        for name, known in (("protocol", PROTOCOLS), ("type", TYPES)):
            if self.version is not None and self.version not in known[attrs[name]]:
                raise serializers.ValidationError({name: [f"'{attrs[name]}' is not one of this microversion's"]})
        return attrs
