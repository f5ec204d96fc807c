"""An image's attributes: names in the API and in the rows, and valid values.

Everything that is not named here is a property: a string under a name of the user's own, flat beside the attributes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from apps.common.exceptions import BadRequest
from apps.images import exceptions, states

READ_ONLY = frozenset(
    {
        "checksum",
        "created_at",
        "direct_url",
        "file",
        "locations",
        "os_hash_algo",
        "os_hash_value",
        "schema",
        "self",
        "size",
        "status",
        "stores",
        "updated_at",
        "virtual_size",
    }
)
RESERVED = frozenset({"deleted", "deleted_at"})
RESERVED_PREFIX = "os_glance_"
# What says that the data is of an encrypted volume: no server boots from it.
KEPT = "cinder_encryption_key_id"
MAX_INT = 2**31 - 1
MAX_PROPERTY_NAME = 255  # characters
MAX_PROPERTY_VALUE = 16 * 1024  # characters


def unhashed(image_id: uuid.UUID) -> str:
    """Return what stands for the SHA-512 of data that nobody has read: none looks like that."""
    return image_id.hex * 4


def invalid(name: str, reason: str) -> BadRequest:
    """Return the refusal of a value."""
    return BadRequest(f"Invalid input for field/attribute {name[:255]}: {reason}")


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 255:
        raise invalid(name, "it must be a string of at most 255 characters")
    if "\x00" in value:
        raise invalid(name, "it cannot contain NUL")
    return value


def _owner(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isalnum() or not 0 < len(value) <= 64:
        raise invalid(name, "it must be a project's id")
    return value


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise invalid(name, "it must be true or false")
    return value


def _number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INT:
        raise invalid(name, f"it must be an integer from 0 to {MAX_INT}")
    return value


def _one_of(choices: tuple[str, ...], *, null: bool = False) -> Callable[[str, Any], str | None]:
    def check(name: str, value: Any) -> str | None:
        if value is None and null:
            return None
        if value not in choices:
            raise invalid(name, f"{str(value)[:64]!r} is not one of {', '.join(choices)}")
        return str(value)

    return check


TAG_RULE = "a tag has 1 to 255 characters, none of them NUL"


def is_tag(value: Any) -> bool:
    """Return whether a value may be a tag."""
    return isinstance(value, str) and 0 < len(value) <= 255 and "\x00" not in value


def _tags(name: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise invalid(name, "it must be a list of strings")
    for tag in value:
        if not is_tag(tag):
            raise invalid(name, TAG_RULE)
    return list(dict.fromkeys(value))


# Name on the wire -> (column, check).
SETTABLE: Mapping[str, tuple[str, Callable[[str, Any], Any]]] = {
    "name": ("name", _text),
    "owner": ("project_id", _owner),
    "visibility": ("visibility", _one_of(states.VISIBILITIES)),
    "disk_format": ("disk_format", _one_of(states.DISK_FORMATS, null=True)),
    "container_format": ("container_format", _one_of(states.CONTAINER_FORMATS, null=True)),
    "min_disk": ("min_disk", _number),
    "min_ram": ("min_ram", _number),
    "protected": ("protected", _boolean),
    "os_hidden": ("os_hidden", _boolean),
    "tags": ("tags", _tags),
}
ONLY_WHILE_QUEUED = frozenset({"disk_format", "container_format"})


def check_formats(disk_format: str | None, container_format: str | None) -> None:
    """Refuse one of Amazon's formats with another. Raises BadRequest."""
    given = {disk_format, container_format} - {None}
    if len(given) > 1 and given & set(states.AMAZON_FORMATS):
        raise BadRequest(
            "Invalid mix of disk and container formats. When setting a disk or container format to one of 'aki', "
            "'ari', or 'ami', the container and disk formats must match."
        )


def refuse_unsettable(name: str) -> None:
    """Raise ReadOnlyAttribute or ReservedAttribute (403) for attributes that no request may set."""
    if name in READ_ONLY or name == "id":
        raise exceptions.ReadOnlyAttribute(name=name)
    if name in RESERVED or name.startswith(RESERVED_PREFIX):
        raise exceptions.ReservedAttribute(name=name[:255])


def refuse_as_property(name: str) -> None:
    """Raise ReadOnlyAttribute or ReservedAttribute (403) for a property that an attribute of this name would hide."""
    refuse_unsettable(name)
    if name in SETTABLE:
        raise exceptions.ReservedAttribute(name=name)


def check_kept(before: Mapping[str, Any], properties: Mapping[str, Any]) -> None:
    """Raise ReservedAttribute (403) where a property that tells what the data is was removed or changed."""
    if before.get(KEPT) and properties.get(KEPT) != before[KEPT]:
        raise exceptions.ReservedAttribute(name=KEPT)


def column(name: str, value: Any) -> tuple[str, Any]:
    """Return the column and the checked value of a settable attribute."""
    target, check = SETTABLE[name]
    return target, check(name, value)


def property_value(name: str, value: Any) -> str:
    """Return the checked value of a property."""
    if not 0 < len(name) <= MAX_PROPERTY_NAME or "\x00" in name:
        raise invalid("property name", f"{name[:64]!r} is not 1 to {MAX_PROPERTY_NAME} characters, none of them NUL")
    if not isinstance(value, str):
        raise invalid(name, "it must be a string")
    if len(value) > MAX_PROPERTY_VALUE or "\x00" in value:
        raise invalid(name, f"it must be at most {MAX_PROPERTY_VALUE} characters, none of them NUL")
    return value
