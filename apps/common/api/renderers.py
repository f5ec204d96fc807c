"""JSON by orjson, and DRF's browsable API for people."""

import json
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "text"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        pretty = accepted_media_type == "text/html" or (renderer_context or {}).get("indent")
        try:
            return orjson.dumps(data, default=str, option=orjson.OPT_INDENT_2 if pretty else 0)
        except TypeError:
            # PostgreSQL gives a large number in a jsonb column back as an integer beyond 64 bits. One such row must not
            # take a whole list with it.
            return json.dumps(data, default=str, ensure_ascii=False, indent=2 if pretty else None).encode()


class BrowsableRenderer(BrowsableAPIRenderer):
    """The same URLs for people. Forms start with the view's example, those that change an object with its values."""

    def get_default_renderer(self, view: Any) -> BaseRenderer:
        return JSONRenderer()

    def get_content(self, renderer: Any, data: Any, accepted_media_type: str | None, renderer_context: Any) -> str:
        content = super().get_content(renderer, data, accepted_media_type, {**renderer_context, "indent": 2})
        return content if isinstance(content, str) else content.decode()

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Any) -> Any:
        form = super().get_raw_data_form(data, view, method, request)
        example = getattr(view, "examples", {}).get(method)
        if example is not None and method in ("PUT", "PATCH"):
            example = filled(example, data)
        if form is not None and example is not None and hasattr(form, "initial"):
            form.initial["_content"] = orjson.dumps(example, option=orjson.OPT_INDENT_2).decode()
            form.fields["_content"].initial = form.initial["_content"]
        return form

    def get_context(self, data: Any, accepted_media_type: str | None, renderer_context: Any) -> dict[str, Any]:
        """Name the object in the title and in the question before it is deleted."""
        context: dict[str, Any] = super().get_context(data, accepted_media_type, renderer_context)
        if name := object_name(data):
            context["name"] = f"{context['name']} {name}"
        return context


def filled(example: Any, data: Any) -> Any:
    """Return ``example`` with the values of ``data``; keys that the object lacks are left out."""
    if not isinstance(example, dict) or not isinstance(data, dict):
        return example
    known = {key: data[key] if not isinstance(value, dict) else filled(value, data[key])
             for key, value in example.items() if key in data}  # fmt: skip
    return known or example


def object_name(data: Any) -> str:
    """Return the name, or else the id, of the one object of a document; "" for lists and errors."""
    inner = next(iter(data.values())) if isinstance(data, dict) and len(data) == 1 else data
    if not isinstance(inner, dict) or "id" not in inner:
        return ""
    return str(inner.get("name") or inner["id"])
