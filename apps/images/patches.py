"""JSON patches of images (RFC 6902 over Glance's flat document), in both of Glance's media types. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from apps.common.exceptions import BadRequest, Forbidden
from apps.images import attributes, exceptions, states

OPERATIONS = ("add", "replace", "remove")
MAX_OPERATIONS = 256
_BAD_ESCAPE = re.compile(r"~(?![01])")


@dataclass(frozen=True, slots=True)
class Operation:
    """One change; ``name`` is an attribute's or a property's name."""

    op: str
    name: str
    value: Any = None


def parse(document: Any, *, old: bool = False) -> list[Operation]:
    """Return the operations of a patch. ``old``: of media type v2.0, {"replace": "/name", "value": …}.

    Raises BadRequest (400).
    """
    if not isinstance(document, list):
        raise BadRequest("The request body must be a JSON array of operation objects.")
    if len(document) > MAX_OPERATIONS:
        raise exceptions.LimitExceeded(f"A patch has at most {MAX_OPERATIONS} operations.")
    return [_operation(operation, old) for operation in document]


def _operation(document: Any, old: bool) -> Operation:
    if not isinstance(document, dict):
        raise BadRequest("Operations must be JSON objects.")
    if old:
        named = [op for op in OPERATIONS if op in document]
        if len(named) != 1:
            raise BadRequest(f"Operation objects must contain exactly one member of: {', '.join(OPERATIONS)}")
        op: Any = named[0]
        path: Any = document[op]
    else:
        op, path = document.get("op"), document.get("path")
    if op not in OPERATIONS:
        raise BadRequest(f"Invalid operation: {str(op)[:64]!r}. It must be one of: {', '.join(OPERATIONS)}.")
    if op != "remove" and "value" not in document:
        raise BadRequest(f'Operation "{op}" requires a member named "value".')
    return Operation(op=op, name=_name(path), value=document.get("value"))


def _name(path: Any) -> str:
    """Return the one part of a JSON pointer."""
    if not isinstance(path, str) or not path.startswith("/"):
        raise BadRequest(f"Pointer `{str(path)[:64]}` does not start with '/'.")
    parts = path[1:].split("/")
    if parts[0] == "locations":
        raise Forbidden("It's not allowed to add, replace or remove locations: upload the data instead.")
    if len(parts) != 1 or not parts[0]:
        raise BadRequest(f"Invalid JSON pointer for this resource: '{path[:64]}'")
    if _BAD_ESCAPE.search(parts[0]):
        raise BadRequest(f"Pointer `{path[:64]}` contains '~' not part of a recognized escape sequence.")
    return parts[0].replace("~1", "/").replace("~0", "~")


def apply(image: Any, operations: list[Operation]) -> None:
    """Change ``image`` (a row) in place. Raises BadRequest (400), Forbidden (403), PropertyConflict (409)."""
    for operation in operations:
        attributes.refuse_unsettable(operation.name)
        if operation.name in attributes.SETTABLE:
            _set_attribute(image, operation)
        else:
            _set_property(image, operation)


def _set_attribute(image: Any, operation: Operation) -> None:
    name = operation.name
    if operation.op == "remove":
        if name == "tags":
            image.tags = []
            return
        raise Forbidden(f"Property {name} may not be removed.")
    if name in attributes.ONLY_WHILE_QUEUED and image.status != states.QUEUED:
        raise Forbidden(f"Attribute {name} can be only replaced for a queued image.")
    column, value = attributes.column(name, operation.value)
    setattr(image, column, value)


def _set_property(image: Any, operation: Operation) -> None:
    name, properties = operation.name, dict(image.properties)
    if operation.op != "add" and name not in properties:
        raise exceptions.PropertyConflict(f"Property {name[:255]} does not exist.")
    if operation.op == "remove":
        del properties[name]
    else:
        properties[name] = attributes.property_value(name, operation.value)
    image.properties = properties
