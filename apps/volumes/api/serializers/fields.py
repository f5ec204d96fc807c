"""Fields that several bodies of the Block Storage API have."""

import json
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.api.serializers import Text

BIG = 0x7FFFFFFF


class Name(Text):
    """A name or a description of at most 255 characters; white space at its ends is cut off, null is none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 255, "allow_null": True, "allow_blank": True, "required": False, **kwargs})


@extend_schema_field({"type": "object", "additionalProperties": True})
class Connector(serializers.Field[Any, Any, Any, Any]):
    """What a client says of its host, as os-brick does: a small object whose texts can be stored."""

    longest = 4096  # characters of its JSON

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("it must be an object")
        text = json.dumps(data)
        if len(text) > self.longest:
            raise serializers.ValidationError(f"it is too long: at most {self.longest} characters")
        try:
            storable = "\\u0000" not in text and bool(json.dumps(data, ensure_ascii=False).encode())
        except UnicodeEncodeError:  # half of a surrogate pair
            storable = False
        if not storable:
            raise serializers.ValidationError("its texts must be characters that can be stored")
        for name in ("host", "mountpoint"):
            if not isinstance(data.get(name, ""), str | None):
                raise serializers.ValidationError(f"its {name} must be a text")
        return dict(data)

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+$"}]})
class Gibibytes(serializers.Field[Any, Any, Any, Any]):
    """A size in GiB, as a number or the text of one."""

    def to_internal_value(self, data: Any) -> int:
        text = str(data)
        if isinstance(data, bool | float) or not (text.isascii() and text.isdigit()) or len(text) > 10:
            raise serializers.ValidationError(f"'{text[:64]}' is not a whole number of GiB")
        if not 0 < int(text) <= BIG:
            raise serializers.ValidationError(f"'{text}' must be 1 to {BIG} GiB")
        return int(text)

    def to_representation(self, value: Any) -> Any:
        return value


OLDER = {"display_name": "name", "display_description": "description"}


def take_older(attrs: dict[str, Any], **more: str) -> dict[str, Any]:
    """Return the values of a creation under their present names; a value under the present name wins."""
    for older, newer in {**OLDER, **more}.items():
        value = attrs.pop(older, None)
        if not attrs.get(newer):
            attrs[newer] = value
    return attrs


def changes(attrs: dict[str, Any]) -> dict[str, Any]:
    """Return the values of an update under their present names. Raises ValidationError for none."""
    if not attrs:
        raise serializers.ValidationError("the body must name at least one value to change")
    for older, newer in OLDER.items():
        if older in attrs:
            value = attrs.pop(older)
            attrs.setdefault(newer, value)
    if "name" in attrs:
        attrs["name"] = attrs["name"] or ""
    return attrs
