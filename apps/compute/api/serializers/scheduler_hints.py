"""``os:scheduler_hints``: the ones Nova knows are checked as its schema does, others may be anything."""

import re
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.identifiers import parse_uuid

MAX_HINTS = 32
MAX_LENGTH = 8192  # characters, all hints together
MAX_SERVERS = 100  # named in one hint
_CIDR = re.compile(r"^/[0-9a-f.:]+$")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise serializers.ValidationError("it must be a string")
    return value


def _uuid(value: Any) -> None:
    if parse_uuid(_text(value)) is None:
        raise serializers.ValidationError(f"'{value[:64]}' is not a 'uuid'")


def _servers(value: Any) -> None:
    """One server's id, or a list of them."""
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_SERVERS:
        raise serializers.ValidationError(f"it names more than {MAX_SERVERS} servers")
    for item in values:
        _uuid(item)


def _query(value: Any) -> None:
    """A JSON list as text. Nova's schema takes an object too, which its filter then cannot read."""
    try:
        parsed = orjson.loads(_text(value))
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, list):
        raise serializers.ValidationError('it must be a JSON list, such as ["and", [">=", "$free_ram_mb", 1024]]')


def _texts(value: Any) -> None:
    for item in value if isinstance(value, list) else [value]:
        _text(item)


def _address(value: Any) -> None:
    try:
        validate_ipv46_address(_text(value))
    except ValidationError:
        raise serializers.ValidationError(f"'{value[:64]}' is not an IP address") from None


def _cidr(value: Any) -> None:
    if not _CIDR.match(_text(value)):
        raise serializers.ValidationError(f"'{value[:64]}' does not match '^/[0-9a-f.:]+$'")


def _name(value: Any) -> None:
    if not 1 <= len(_text(value)) <= 255:
        raise serializers.ValidationError("it must have 1 to 255 characters")


# nova/api/openstack/compute/schemas/servers.py, _hints.
KNOWN = {
    "group": _uuid,
    "different_host": _servers,
    "same_host": _servers,
    "query": _query,
    "target_cell": _name,
    "different_cell": _texts,
    "build_near_host_ip": _address,
    "cidr": _cidr,
}


def _length(data: Any) -> int:
    """Return the length of the hints as JSON; hints that are nested too deep count as too long."""
    try:
        return len(orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS))
    except orjson.JSONEncodeError:
        return MAX_LENGTH + 1


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(_has_nul(item) for item in value)
    return isinstance(value, str) and "\0" in value


@extend_schema_field({"type": "object", "additionalProperties": True})
class SchedulerHints(serializers.Serializer[Any]):
    """An object of at most 32 hints."""

    def to_internal_value(self, data: Any) -> Any:
        whole = "os:scheduler_hints"
        if not isinstance(data, dict) or len(data) > MAX_HINTS:
            raise serializers.ValidationError({whole: [f"it must be an object of at most {MAX_HINTS} hints"]})
        if _length(data) > MAX_LENGTH:
            raise serializers.ValidationError({whole: [f"it is longer than {MAX_LENGTH} characters"]})
        if _has_nul(data):
            raise serializers.ValidationError({whole: ["it must not contain NUL"]})
        for name, check in KNOWN.items():
            if name in data:
                try:
                    check(data[name])
                except serializers.ValidationError as error:
                    raise serializers.ValidationError({f"{whole}.{name}": error.detail}) from None
        return data
