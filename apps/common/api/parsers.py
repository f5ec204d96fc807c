"""JSON bodies, and streams that are read by the view itself."""

from typing import Any

import orjson
from django.conf import settings
from rest_framework.parsers import BaseParser

from apps.common.exceptions import BadRequest, TooLarge


class JSONParser(BaseParser):
    """Strict JSON objects of at most ``DATA_UPLOAD_MAX_MEMORY_SIZE`` bytes."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge("The request body is too large.")
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"The request body is not valid JSON: {error}") from None


class JSONPatchParser(JSONParser):
    media_type = "application/openstack-images-v2.1-json-patch"


class OldJSONPatchParser(JSONParser):
    media_type = "application/openstack-images-v2.0-json-patch"


class StreamParser(BaseParser):
    """Leaves the body alone: the view reads the stream (image bits)."""

    media_type = "application/octet-stream"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return {}
