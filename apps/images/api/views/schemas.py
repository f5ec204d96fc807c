"""Schemas, and the service's description of itself."""

from rest_framework.request import Request

from apps.common.api.views import Response, ServiceView
from apps.images.api.documents import metadef_schemas as documents
from apps.images.api.documents.schemas import SCHEMAS
from apps.images.exceptions import SchemaNotFound


class SchemaItem(ServiceView):
    """One JSON schema."""

    def get(self, request: Request, name: str) -> Response:
        if name not in SCHEMAS:
            raise SchemaNotFound(name=name[:64])
        return Response(SCHEMAS[name])


class MetadefSchemaItem(ServiceView):
    """One JSON schema of metadata definitions."""

    def get(self, request: Request, name: str) -> Response:
        if name not in documents.SCHEMAS:
            raise SchemaNotFound(name=name[:64])
        return Response(documents.SCHEMAS[name])


class ImportInfo(ServiceView):
    """The methods of import: none, because data is uploaded."""

    def get(self, request: Request) -> Response:
        return Response({"import-methods": {"description": "Import methods available.", "type": "array", "value": []}})


class StoresInfo(ServiceView):
    """The image stores: one."""

    def get(self, request: Request) -> Response:
        return Response({"stores": [{"id": "file", "description": "Files under their SHA-512", "default": "true"}]})
