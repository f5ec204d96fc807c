"""Metadefs as documents."""

from typing import Any
from urllib.parse import quote

from apps.common.api.documents import seconds
from apps.images.models import Association, Definition, Namespace


def path_of(namespace: str, *rest: str) -> str:
    """Return a path as Glance writes it: without the service's prefix."""
    return "/".join(["/v2/metadefs/namespaces", quote(namespace, safe=""), *(quote(part, safe="") for part in rest)])


def render(row: Namespace) -> dict[str, Any]:
    """Return the document of a namespace without its content."""
    return {
        "namespace": row.namespace,
        "display_name": row.display_name,
        "description": row.description,
        "visibility": row.visibility,
        "protected": row.protected,
        "owner": row.project_id,
        "created_at": seconds(row.created_at),
        "updated_at": seconds(row.updated_at),
        "self": path_of(row.namespace),
        "schema": "/v2/schemas/metadefs/namespace",
    }


def render_definition(row: Definition, namespace: str) -> dict[str, Any]:
    """Return the document of an object, a property or a tag."""
    document: dict[str, Any] = {**row.document, "name": row.name}
    if row.kind == "property":
        return document
    times = {"created_at": seconds(row.created_at), "updated_at": seconds(row.updated_at)}
    if row.kind == "tag":
        return {**document, **times}
    links = {"self": path_of(namespace, "objects", row.name), "schema": "/v2/schemas/metadefs/object"}
    return {"description": None, "required": [], "properties": {}, **document, **times, **links}


def render_association(row: Association) -> dict[str, Any]:
    """Return the document of an association."""
    return {
        "name": row.name,
        "prefix": row.prefix,
        "properties_target": row.properties_target,
        "created_at": seconds(row.created_at),
        "updated_at": seconds(row.updated_at),
    }
