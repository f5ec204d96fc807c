"""Fields and a base class of identity's documents: unknown keys are kept as extra attributes."""

from datetime import UTC
from typing import Any

import orjson
from rest_framework import serializers

from apps.common.api.serializers import NameField
from apps.identity.states import MAX_TAGS

MAX_EXTRA_BYTES = 16 * 1024
MAX_EXTRA_KEYS = 64
IMMUTABLE = ("immutable",)


class TextField(serializers.CharField):
    """A string, not a number or a boolean that is turned into one; blanks are kept."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 255, "trim_whitespace": False, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("it must be a string")
        return str(super().to_internal_value(data))


class BooleanField(serializers.BooleanField):
    """True or false, as Keystone's schema has it: DRF's own takes words and numbers for it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("it must be true or false")
        return data


class TimeField(serializers.DateTimeField):
    """A moment with a zone; without one it is UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"default_timezone": UTC, **kwargs})

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or len(value) > 64:
            raise serializers.ValidationError("it must be a time like 2026-01-01T00:00:00.000000Z")
        return super().to_internal_value(value)


class IdField(TextField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 64, "required": False, **kwargs})


class DescriptionField(TextField):
    """Null is stored as no text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 4096, "required": False, "allow_blank": True, "allow_null": True, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        value = super().run_validation(data)
        return "" if value is None else value


class OptionsField(serializers.DictField):
    """Named options only; null takes one away."""

    def __init__(self, *, names: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**{"required": False, **kwargs})
        self.names = names

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("it must be an object")
        for name, value in data.items():
            if name not in self.names:
                raise serializers.ValidationError(f"'{str(name)[:64]}' is no option")
            rules = name.endswith("_rules")
            if value is not None and not (_is_rules(value) if rules else isinstance(value, bool)):
                wanted = "a list of lists of methods" if rules else "true, false"
                raise serializers.ValidationError(f"'{name}' must be {wanted} or null")
        return dict(data)


def _is_rules(value: Any) -> bool:
    """Return whether ``value`` is a short list of short lists of words."""
    if not isinstance(value, list) or len(value) > 16:
        return False
    rows_are_lists = all(isinstance(row, list) and len(row) <= 16 for row in value)
    return rows_are_lists and all(isinstance(word, str) and len(word) <= 64 for row in value for word in row)


class TagField(NameField):
    """1 to 255 characters, no comma and no slash, as in Keystone."""

    def to_internal_value(self, data: Any) -> str:
        tag: str = super().to_internal_value(data)
        if "," in tag or "/" in tag:
            raise serializers.ValidationError("a tag has no comma and no slash")
        return tag


class TagsField(serializers.ListField):
    """A set of tags. Keystone's schema refuses duplicates."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"child": TagField(), "max_length": MAX_TAGS, **kwargs})

    def to_internal_value(self, data: Any) -> list[str]:
        tags = list(super().to_internal_value(data))
        if len(set(tags)) != len(tags):
            raise serializers.ValidationError("it has non-unique elements")
        return tags


class ExtraSerializer(serializers.Serializer[Any]):
    """Collects unknown keys under ``extra``, bounded; ``ignored`` ones are dropped."""

    ignored: tuple[str, ...] = ("id", "links", "extra")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = dict(super().to_internal_value(data))
        extra = {key: value for key, value in data.items() if key not in self.fields and key not in self.ignored}
        if extra:
            values["extra"] = _bounded(extra)
        return values


def _bounded(extra: dict[str, Any]) -> dict[str, Any]:
    raw = orjson.dumps(extra)
    if len(extra) > MAX_EXTRA_KEYS or len(raw) > MAX_EXTRA_BYTES or any(len(key) > 255 for key in extra):
        key = next(iter(extra))[:64]
        raise serializers.ValidationError({key: "there are too many attributes, or they are too long"})
    if b"\\u0000" in raw:
        raise serializers.ValidationError({next(iter(extra))[:64]: "Null characters are not allowed."})
    return extra
