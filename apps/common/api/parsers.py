"""JSON bodies, and streams that are read by the view itself."""

from typing import Any

import orjson
from django.conf import settings
from rest_framework.parsers import BaseParser

from apps.common.exceptions import BadRequest, TooLarge

MAX_NESTING = 64  # lists and objects within one another; json and orjson give up at some 250 when it is written again


def _is_nested_too_deep(document: Any) -> bool:
    """Return whether lists and objects are nested deeper than ``MAX_NESTING``, without recursion."""
    level, depth = [document], 0
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        if depth > MAX_NESTING:
            return True
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return False


class JSONParser(BaseParser):
    """Strict JSON objects of at most ``DATA_UPLOAD_MAX_MEMORY_SIZE`` bytes, nested at most ``MAX_NESTING`` deep."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge("The request body is too large.")
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"The request body is not valid JSON: {error}") from None
        # Hardly a body has so many brackets at all: counting them is nothing, walking is.
        if raw.count(b"{") + raw.count(b"[") > MAX_NESTING and _is_nested_too_deep(document):
            raise BadRequest(f"The request body is nested more than {MAX_NESTING} levels deep.")
        return document


class JSONPatchParser(JSONParser):
    media_type = "application/openstack-images-v2.1-json-patch"


class OldJSONPatchParser(JSONParser):
    media_type = "application/openstack-images-v2.0-json-patch"


class StreamParser(BaseParser):
    """Does not parse the body: the view reads the stream (image data)."""

    media_type = "application/octet-stream"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return {}
