"""Metadata definitions: namespaces, and the objects, properties, tags and resource types in them."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from apps.common import policy
from apps.common.api.collections import Page
from apps.common.api.views import Response, ServiceView
from apps.images.api import listing
from apps.images.api.documents import metadefs as documents
from apps.images.api.serializers import metadefs as serializers
from apps.images.api.views.base import Collection, Item, ReadOnlyItem, WholeCollection
from apps.images.models import Namespace
from apps.images.selectors import metadefs as selectors
from apps.images.services import metadefs


class Namespaces(Collection):
    """List and create."""

    plural, path = "namespaces", "/v2/metadefs/namespaces"
    listing = listing.NAMESPACES
    rules = {"list": "get_metadef_namespaces"}
    request_serializers = {"post": serializers.NamespaceCreate}
    examples = {"POST": {"namespace": "My::Namespace", "visibility": "public"}}

    def rows(self) -> QuerySet[Namespace]:
        params = self.request.query_params
        namespaces = selectors.visible(context=self.caller)
        if params.get("visibility"):
            namespaces = namespaces.filter(visibility=params["visibility"])
        if params.get("resource_types"):
            namespaces = selectors.about(namespaces, params["resource_types"].split(",")[:100])
        return namespaces

    def marked(self) -> QuerySet[Namespace]:
        return selectors.visible(context=self.caller)

    def mark_of(self, row: Any) -> str:
        return str(row.namespace)

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)

    def post(self, request: Request) -> Response:
        values = self.parse(request)
        properties = [_property(name, value) for name, value in values.pop("properties", {}).items()]
        parts = {"property": properties, "object": values.pop("objects", []), "tag": values.pop("tags", [])}
        associations = values.pop("resource_type_associations", [])
        policy.check(self.caller, "add_metadef_namespace")
        row = metadefs.create(context=self.caller, values=values, parts=parts, associations=associations)
        location = request.build_absolute_uri(f"/image{documents.path_of(row.namespace)}")
        return Response(_whole(row), status=201, headers={"Location": location})


def _property(name: str, value: Any) -> dict[str, Any]:
    parsed = serializers.PropertyWrite(data={**value, "name": name})
    parsed.is_valid(raise_exception=True)
    return dict(parsed.validated_data)


def _whole(row: Namespace) -> dict[str, Any]:
    """Return a namespace with its non-empty content."""

    def of(kind: str) -> list[dict[str, Any]]:
        definitions = selectors.definitions(namespace=row, kind=kind)
        return [documents.render_definition(definition, row.namespace) for definition in definitions]

    parts: dict[str, Any] = {
        "properties": {definition.pop("name"): definition for definition in of("property")},
        "objects": of("object"),
        "tags": [{"name": definition["name"]} for definition in of("tag")],
        "resource_type_associations": [
            documents.render_association(entry) for entry in selectors.associations(namespace=row)
        ],
    }
    return {**documents.render(row), **{key: value for key, value in parts.items() if value}}


class _Namespaced(ServiceView):
    """A view of one namespace, or of its content."""

    def namespace(self, name: str, rule: str) -> Namespace:
        """Return a namespace, if a rule lets the caller act on it. Raises NamespaceNotFound (404)."""
        row = selectors.get(context=self.caller, name=name)
        policy.check(self.caller, rule, {"project_id": row.project_id})
        return row


class NamespaceItem(_Namespaced, Item):
    """Show, update, delete."""

    rules = {"show": "get_metadef_namespace", "delete": "delete_metadef_namespace"}
    request_serializers = {"put": serializers.NamespaceUpdate}

    def load(self, namespace: str) -> Namespace:
        return selectors.get(context=self.caller, name=namespace)

    def render(self, row: Namespace) -> dict[str, Any]:
        return _whole(row)

    def put(self, request: Request, namespace: str) -> Response:
        values = self.parse(request)
        row = metadefs.update(namespace=self.namespace(namespace, "modify_metadef_namespace"), values=values)
        return Response(documents.render(row))

    def remove(self, row: Namespace) -> None:
        metadefs.delete(namespace=row)


class _Definitions(_Namespaced, WholeCollection):
    """List, add, remove all. ``kind`` names one, ``plural`` is the segment of the URL and the key of the list."""

    kind: ClassVar[str]

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, f"get_metadef_{self.plural}")

    def rows(self) -> Any:
        namespace = selectors.get(context=self.caller, name=self.kwargs["namespace"])
        return selectors.definitions(namespace=namespace, kind=self.kind)

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render_definition(row, self.kwargs["namespace"])

    def envelope(self, page: Page) -> dict[str, Any]:
        """Return the definitions; properties are an object, by their names."""
        rendered = [self.render(row) for row in page.rows]
        by_name = self.kind == "property"
        return {
            self.plural: {definition["name"]: definition for definition in rendered} if by_name else rendered,
            "first": documents.path_of(self.kwargs["namespace"], self.plural),
            "schema": f"/v2/schemas/metadefs/{self.plural}",
        }

    def post(self, request: Request, namespace: str) -> Response:
        document = self.parse(request)
        held = self.namespace(namespace, f"add_metadef_{self.kind}")
        row = metadefs.define(namespace=held, kind=self.kind, document=document)
        return Response(documents.render_definition(row, namespace), status=201)

    def delete(self, request: Request, namespace: str) -> Response:
        held = self.namespace(namespace, f"delete_metadef_{'tags' if self.kind == 'tag' else self.kind}")
        metadefs.undefine(namespace=held, kind=self.kind)
        return Response(status=204)


class _Definition(_Namespaced, ReadOnlyItem):
    """Show, replace, remove."""

    kind: ClassVar[str]

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, f"get_metadef_{self.kind}")

    def load(self, namespace: str, name: str) -> Any:
        held = selectors.get(context=self.caller, name=namespace)
        return selectors.definition(namespace=held, kind=self.kind, name=name)

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render_definition(row, self.kwargs["namespace"])

    def put(self, request: Request, namespace: str, name: str) -> Response:
        document = self.parse(request)
        held = self.namespace(namespace, f"modify_metadef_{self.kind}")
        return Response(self.document(metadefs.redefine(namespace=held, kind=self.kind, old=name, document=document)))

    def delete(self, request: Request, namespace: str, name: str) -> Response:
        held = self.namespace(namespace, f"delete_metadef_{self.kind}")
        metadefs.undefine(namespace=held, kind=self.kind, old=name)
        return Response(status=204)


class Objects(_Definitions):
    """Objects of a namespace."""

    kind, plural = "object", "objects"
    request_serializers: dict[str, type[Serializer[Any]]] = {"post": serializers.ObjectWrite}


class ObjectItem(_Definition):
    """One object."""

    kind = "object"
    request_serializers: dict[str, type[Serializer[Any]]] = {"put": serializers.ObjectWrite}


class Properties(_Definitions):
    """Properties of a namespace."""

    kind, plural = "property", "properties"
    request_serializers: dict[str, type[Serializer[Any]]] = {"post": serializers.PropertyWrite}


class PropertyItem(_Definition):
    """One property."""

    kind = "property"
    request_serializers: dict[str, type[Serializer[Any]]] = {"put": serializers.PropertyWrite}


class Tags(_Definitions):
    """Tags of a namespace: a POST replaces them, or adds to them with ``X-OpenStack-Append: true``."""

    kind, plural = "tag", "tags"
    request_serializers: dict[str, type[Serializer[Any]]] = {"post": serializers.TagsWrite}

    def post(self, request: Request, namespace: str) -> Response:
        names = [tag["name"] for tag in self.parse(request)["tags"]]
        append = request.headers.get("X-OpenStack-Append", "").lower() in ("true", "1")
        kept = metadefs.replace_tags(namespace=self.namespace(namespace, "add_metadef_tags"), tags=names, append=append)
        return Response({"tags": [{"name": name} for name in kept]}, status=201)


class TagItem(_Definition):
    """One tag; a POST makes it."""

    kind = "tag"
    request_serializers: dict[str, type[Serializer[Any]]] = {"put": serializers.TagWrite}

    def post(self, request: Request, namespace: str, name: str) -> Response:
        parsed = serializers.TagWrite(data={"name": name})
        parsed.is_valid(raise_exception=True)
        row = metadefs.define(
            namespace=self.namespace(namespace, "add_metadef_tag"), kind="tag", document={"name": name}
        )
        return Response(documents.render_definition(row, namespace), status=201)


class ResourceTypes(WholeCollection):
    """Every kind of resource that a namespace can be about."""

    plural, schema_path = "resource_types", "/v2/schemas/metadefs/resource_types"

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, "list_metadef_resource_types")

    def rows(self) -> Any:
        return selectors.resource_types()

    def render(self, row: str) -> dict[str, Any]:
        return {"name": row}


class Associations(_Namespaced, WholeCollection):
    """The kinds of resources that a namespace is about."""

    plural = "resource_type_associations"
    request_serializers = {"post": serializers.AssociationCreate}

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, "get_metadef_resource_type")

    def rows(self) -> Any:
        return selectors.associations(namespace=selectors.get(context=self.caller, name=self.kwargs["namespace"]))

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render_association(row)

    def post(self, request: Request, namespace: str) -> Response:
        values = self.parse(request)
        held = self.namespace(namespace, "add_metadef_resource_type_association")
        row = metadefs.associate(namespace=held, values=values)
        return Response(documents.render_association(row), status=201)


class AssociationItem(_Namespaced):
    """One association: remove."""

    def delete(self, request: Request, namespace: str, name: str) -> Response:
        held = self.namespace(namespace, "remove_metadef_resource_type_association")
        metadefs.dissociate(namespace=held, resource_type=name)
        return Response(status=204)
