"""Values of OVSDB columns as JSON and back (RFC 7047, section 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Scalar = str | int | bool
Value = Scalar | frozenset[Scalar] | Mapping[str, str | int]


class Ref(str):
    """The UUID of another row, as a column's value."""

    __slots__ = ()


def encode(value: Value) -> Any:
    """A value as JSON: sets and maps in their tagged form, references as UUIDs."""
    if isinstance(value, Ref):
        return ["uuid", str(value)]
    if isinstance(value, frozenset):
        return ["set", [encode(item) for item in sorted(value, key=str)]]
    if isinstance(value, Mapping):
        return ["map", [[key, value[key]] for key in sorted(value)]]
    return value


def decode(data: Any) -> Value:
    """A column's value from JSON. A set of one is written like its element; `normal` hides that."""
    if not isinstance(data, list):
        return data  # type: ignore[no-any-return]
    kind, content = data
    if kind == "uuid":
        return Ref(content)
    if kind == "map":
        return dict(content)
    return frozenset(decode(item) for item in content)  # type: ignore[misc]


def normal(value: Value) -> frozenset[Scalar] | dict[str, str | int]:
    """A value in the form in which values are compared: a map, or a set of any size."""
    if isinstance(value, Mapping):
        return dict(value)
    return value if isinstance(value, frozenset) else frozenset({value})
