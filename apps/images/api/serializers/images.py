"""Images on the wire: attributes and properties flat, side by side."""

import uuid
from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import Text
from apps.common.exceptions import BadRequest
from apps.images import attributes, states


class ImageCreate(serializers.Serializer[Any]):
    """A new image: known attributes are checked one by one, everything else is a property.

    The fields are for OpenAPI and the browsable API's form; ``to_internal_value`` parses.
    """

    id = serializers.UUIDField(required=False)
    name = Text(required=False, allow_null=True, max_length=255)
    disk_format = serializers.ChoiceField(states.DISK_FORMATS, required=False, allow_null=True)
    container_format = serializers.ChoiceField(states.CONTAINER_FORMATS, required=False, allow_null=True)
    visibility = serializers.ChoiceField(states.VISIBILITIES, required=False)
    min_disk = serializers.IntegerField(required=False, help_text="GiB")
    min_ram = serializers.IntegerField(required=False, help_text="MiB")
    protected = serializers.BooleanField(required=False)
    os_hidden = serializers.BooleanField(required=False)
    tags = serializers.ListField(child=Text(), required=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return {"values": columns, "properties": …}. Raises BadRequest (400), Forbidden (403)."""
        values: dict[str, Any] = {}
        properties: dict[str, str] = {}
        for name, value in data.items():
            if name == "id":
                values["id"] = _id(value)
                continue
            attributes.refuse_unsettable(name)
            if name in attributes.SETTABLE:
                column, checked = attributes.column(name, value)
                values[column] = checked
            else:
                properties[name] = attributes.property_value(name, value)
        return {"values": values, "properties": properties}


def _id(value: Any) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise BadRequest(f"Invalid input for field/attribute id: '{str(value)[:64]}' is not a UUID.") from None
