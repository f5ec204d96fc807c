"""OpenAPI: operation names and tags by service and noun."""

import inspect
from functools import cache
from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from drf_spectacular.utils import OpenApiExample, inline_serializer

from apps.common.api import answers, schema_words


def without_aliases(endpoints: list[Any], **_: Any) -> list[Any]:
    """Leave out /compute/v2 and URLs with the project's id: the same views as /compute/v2.1 and /volume/v3."""
    aliases = ("/compute/v2/", "/compute/v2.1/{project_in_url}/", "/volume/v3/{project_in_url}/")
    return [endpoint for endpoint in endpoints if not endpoint[0].startswith(aliases)]


ANYTHING = {"description": "A JSON document."}


@cache
def _body(serializer: Any, key: str) -> Any:
    """Return the serializer of a body that has ``key`` around it: one component for all views that use it."""
    return inline_serializer(f"{serializer.__name__}Body", {key: serializer()})


class AutoSchema(SpectacularSchema):
    def get_description(self) -> str:  # type: ignore[override]
        """Return the handler's or the view's own description, not an inherited one; by default one made of the path."""
        return self._own_description() or f"{schema_words.summary(self.method, self.path)}."

    def _own_description(self) -> str:
        handler = getattr(self.view, self.method.lower(), None)
        return inspect.cleandoc(getattr(handler, "__doc__", None) or type(self.view).__doc__ or "")

    def get_summary(self) -> str:
        """Return a title: a verb and its object."""
        return schema_words.summary(self.method, self.path)

    def get_tags(self) -> list[str]:
        return [schema_words.resource(self.path)]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        """Return the answers, and the refusals that every operation of its kind may give."""
        bodies = super()._get_response_bodies(direction)
        has_body = self.method in ("POST", "PUT", "PATCH")
        for code, refusal in schema_words.refusals(self.method, self.path, has_body=has_body).items():
            bodies.setdefault(code, refusal)
        return bodies

    def get_operation_id(self) -> str:
        """Return a name for each operation: a collection and its members share their path's words."""
        name, _, action = str(super().get_operation_id()).rpartition("_")
        if self.path.endswith("}"):
            action = {"retrieve": "show"}.get(action, action)
        elif self.path.endswith(("/tags", "/metadata")):
            action = {"update": "replace", "destroy": "clear"}.get(action, action)
        return f"{name}_{action}"

    def _get_serializer_name(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> str:
        """Return a component's name with its service's: two services may have a class of one name."""
        name: str = super()._get_serializer_name(serializer, direction, bypass_extensions)
        cls = serializer if inspect.isclass(serializer) else type(serializer)
        parts = cls.__module__.split(".")
        if parts[0] != "apps":
            return name
        return parts[1].capitalize() + ("V2" if "v2" in parts else "") + name

    def get_request_serializer(self) -> Any:
        schemas = getattr(self.view, "request_schemas", {})
        if self.method.lower() in schemas:
            return schemas[self.method.lower()]
        actions = getattr(self.view, "action_serializers", {})
        if actions and self.method == "POST":
            fields = {name: serializer(required=False) for name, serializer in actions.items()}
            return inline_serializer(f"{type(self.view).__name__.removesuffix('View')}Body", fields)
        chosen = getattr(self.view, "request_serializers", {}).get(self.method.lower())
        return self._wrapped(chosen) if chosen else getattr(self.view, "serializer_class", None)

    def get_examples(self) -> list[OpenApiExample]:
        """Return the initial content of the browsable API's form."""
        example = getattr(self.view, "examples", {}).get(self.method)
        return [OpenApiExample("A request", value=example, request_only=True)] if example is not None else []

    def _wrapped(self, serializer: Any) -> Any:
        """Return the serializer under the key that the body has around it, as the view's example shows it."""
        example: Any = getattr(self.view, "examples", {}).get(self.method)
        key = next(iter(example)) if isinstance(example, dict) and len(example) == 1 else ""
        if not key or not isinstance(example[key], dict) or key in serializer().get_fields():
            return serializer
        return _body(serializer, key)

    def get_response_serializers(self) -> Any:
        """Return a view's answers by code and media type: as declared, else as read from the handler's source."""
        method = self.method.lower()
        declared = getattr(self.view, "response_serializers", {}).get(method)
        each = declared if isinstance(declared, dict) else {}
        by_answer = {}
        for answer in answers.of_view(self.view, method):
            schema = None if answer.schema is None else answer.schema or ANYTHING
            by_answer[str(answer.code), answer.media_type] = each.get(
                answer.code, schema if each else declared or schema
            )
        return by_answer
