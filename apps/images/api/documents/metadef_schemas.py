"""The JSON schemas of metadata definitions, which Glance's clients build their models from."""

from typing import Any

_TEXT: dict[str, Any] = {"type": "string"}
_MAYBE: dict[str, Any] = {"type": ["null", "string"]}
_TIME = {"type": "string", "readOnly": True, "format": "date-time"}
_NAMES = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
_COUNT = {"type": "integer", "minimum": 0}

PROPERTY: dict[str, Any] = {
    "name": {"type": "string", "maxLength": 80},
    "title": _TEXT,
    "description": _MAYBE,
    "type": {"type": "string", "enum": ["array", "boolean", "integer", "number", "object", "string", None]},
    "operators": {"type": "array", "items": _TEXT},
    "required": _NAMES,
    "enum": {"type": "array"},
    "readonly": {"type": "boolean"},
    "minimum": {"type": "number"},
    "maximum": {"type": "number"},
    "minLength": _COUNT,
    "maxLength": _COUNT,
    "pattern": {"type": "string", "format": "regex"},
    "minItems": _COUNT,
    "maxItems": _COUNT,
    "uniqueItems": {"type": "boolean", "default": False},
    "additionalItems": {"type": "boolean"},
    "items": {"type": "object", "properties": {"type": _TEXT, "enum": {"type": "array"}}},
    "confidential": {"type": "boolean"},
    "default": {},
}
OBJECT: dict[str, Any] = {
    "name": {"type": "string", "maxLength": 80},
    "description": _MAYBE,
    "required": _NAMES,
    "properties": {"type": "object", "additionalProperties": {"type": "object", "properties": PROPERTY}},
    "self": _TEXT,
    "schema": _TEXT,
    "created_at": _TIME,
    "updated_at": _TIME,
}
TAG: dict[str, Any] = {"name": {"type": "string", "maxLength": 80}, "created_at": _TIME, "updated_at": _TIME}
ASSOCIATION: dict[str, Any] = {
    "name": {"type": "string", "maxLength": 80},
    "prefix": {"type": ["null", "string"], "maxLength": 80},
    "properties_target": {"type": ["null", "string"], "maxLength": 80},
    "created_at": _TIME,
    "updated_at": _TIME,
}
NAMESPACE: dict[str, Any] = {
    "namespace": {"type": "string", "maxLength": 80},
    "display_name": {"type": ["null", "string"], "maxLength": 80},
    "description": {"type": ["null", "string"], "maxLength": 500},
    "visibility": {"type": "string", "enum": ["public", "private"]},
    "protected": {"type": "boolean"},
    "owner": {"type": "string", "maxLength": 255},
    "created_at": _TIME,
    "updated_at": _TIME,
    "self": _TEXT,
    "schema": _TEXT,
    "resource_type_associations": {"type": "array", "items": {"type": "object", "properties": ASSOCIATION}},
    "properties": {"type": "object", "additionalProperties": {"type": "object", "properties": PROPERTY}},
    "objects": {"type": "array", "items": {"type": "object", "properties": OBJECT}},
    "tags": {"type": "array", "items": {"type": "object", "properties": TAG}},
}


def _item(name: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"name": name, "properties": properties, "additionalProperties": False, "required": required}


def _list(name: str, item: dict[str, Any], *, by_name: bool = False) -> dict[str, Any]:
    content = {"type": "object", "additionalProperties": item} if by_name else {"type": "array", "items": item}
    links = [{"rel": rel, "href": f"{{{rel}}}"} for rel in ("first", "next")]
    return {
        "name": name,
        "properties": {name: content, "first": _TEXT, "next": _TEXT, "schema": _TEXT},
        "links": [*links, {"rel": "describedby", "href": "{schema}"}],
    }


_NAMESPACE = _item("namespace", NAMESPACE, ["namespace"])
_OBJECT = _item("object", OBJECT, ["name"])
_PROPERTY = _item("property", PROPERTY, ["type", "title"])
_TAG = _item("tag", TAG, ["name"])
_ASSOCIATION = _item("resource_type_association", ASSOCIATION, ["name"])
SCHEMAS: dict[str, dict[str, Any]] = {
    "namespace": _NAMESPACE,
    "namespaces": _list("namespaces", _NAMESPACE),
    "object": _OBJECT,
    "objects": _list("objects", _OBJECT),
    "property": _PROPERTY,
    "properties": _list("properties", _PROPERTY, by_name=True),
    "tag": _TAG,
    "tags": _list("tags", _TAG),
    "resource_type": _ASSOCIATION,
    "resource_types": _list("resource_type_associations", _ASSOCIATION),
}
