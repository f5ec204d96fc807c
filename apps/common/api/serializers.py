"""Fields and a base class that refuse what they do not know."""

import base64
import binascii
import ipaddress
import unicodedata
import uuid
from typing import Any, TypeVar

from rest_framework import serializers

from apps.common import microversions

F = TypeVar("F", bound=serializers.Field[Any, Any, Any, Any])


def since(first: str, field: F, *, until: str | None = None) -> F:
    """Return ``field`` for the microversions from ``first`` to ``until``; a StrictSerializer refuses it in others."""
    field.versions = microversions.since(first, until)  # type: ignore[attr-defined]
    return field


class StrictSerializer(serializers.Serializer[Any]):
    """Unknown keys are an error, as with OpenStack's ``additionalProperties: false``.

    ``ignored`` lists keys that real clients send and that have no meaning here. ``reusable``: the fields are the same
    for every request, so that an instance can serve many (`parsing.py`). ``versions``: what ``since`` limits.
    """

    ignored: tuple[str, ...] = ()
    reusable = False
    versions: dict[str, microversions.Range] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fields: dict[str, Any] = cls._declared_fields
        ranges = {name: getattr(field, "versions", None) for name, field in fields.items()}
        cls.versions = {name: item for name, item in ranges.items() if isinstance(item, microversions.Range)}

    @property
    def version(self) -> Any:
        """Return the request's microversion; None where the service has none, or no request asks."""
        return getattr(self.context.get("request"), "version", None)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            self._refuse([str(key)[:64] for key in data if key not in self.fields and key not in self.ignored])
            if self.versions and self.version is not None:
                hidden = microversions.hidden(self.versions, self.version)
                self._refuse([name for name in hidden if name in data], " in this microversion")
        return super().to_internal_value(data)

    def _refuse(self, unknown: list[str], where: str = "") -> None:
        if unknown:
            listed = "', '".join(sorted(unknown)[:5])
            text = f"Additional properties are not allowed ('{listed}' was unexpected){where}"
            raise serializers.ValidationError({"non_field_errors": [text]})


class Text(serializers.CharField):
    """A string, and not something that could be made one: DRF's own field takes the number 5 for "5".

    Clients search Nova's messages about lengths for "too long" and "too short".
    """

    default_error_messages = {
        "max_length": "it is too long: at most {max_length} characters",
        "min_length": "it is too short: at least {min_length} characters",
        "blank": "it is too short: it must not be empty",
    }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            raise serializers.ValidationError("it must be a string")
        return super().to_internal_value(data)


class Pattern(Text, serializers.RegexField):
    """A string of a form."""


class UUIDString(Text):
    """A UUID, with or without dashes; the value is a ``uuid.UUID``."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        try:
            return uuid.UUID(text)
        except ValueError:
            raise serializers.ValidationError(f"'{text[:64]}' is not a 'uuid'") from None


class AddressField(Text):
    """An IP address in any notation, of ``version`` 4 or 6 if given; the value is the short form."""

    def __init__(self, *, version: int | None = None, **kwargs: Any) -> None:
        self._version = version
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        kind = f"IPv{self._version}" if self._version else "IP"
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise serializers.ValidationError(f"'{text[:64]}' is not an {kind} address") from None
        if "%" in text or (self._version and address.version != self._version):
            raise serializers.ValidationError(f"'{text[:64]}' is not an {kind} address")
        return str(address)


class NameField(Text):
    """A name of 1 to 255 characters, any of Unicode's but NUL."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 255, "min_length": 1, **kwargs})


class PrintableName(NameField):
    """Compute's names: no control characters, no separators of lines or paragraphs."""

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text):
            raise serializers.ValidationError("it can only contain printable characters")
        return text


class TrimmedName(PrintableName):
    """Nova refuses white space at the ends rather than cutting it off."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, str) and data != data.strip():
            raise serializers.ValidationError("it must not begin or end with white space")
        return super().to_internal_value(data)


class Base64Field(Text):
    """Text that is base64; the value stays encoded."""

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        try:
            base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise serializers.ValidationError("it is not valid base64") from None
        return text


class LooseBoolean(serializers.BooleanField):
    """True/False/"true"/"1"…, but not null."""
