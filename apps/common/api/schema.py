"""OpenAPI: operation names and tags by service and noun."""

import inspect
from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularSchema


class AutoSchema(SpectacularSchema):
    def get_description(self) -> str:
        """Return what the handler or the view itself says; not what it inherits."""
        handler = getattr(self.view, self.method.lower(), None)
        return inspect.cleandoc(getattr(handler, "__doc__", None) or type(self.view).__doc__ or "")

    def get_tags(self) -> list[str]:
        return [self.path.strip("/").split("/", 1)[0] or "celerity"]

    def get_request_serializer(self) -> Any:
        serializers = getattr(self.view, "request_serializers", {})
        chosen = serializers.get(self.method.lower()) if hasattr(self, "method") else None
        return chosen or getattr(self.view, "serializer_class", None)

    def get_response_serializers(self) -> Any:
        return getattr(self.view, "response_serializers", {}).get(self.method.lower())
