"""A server's tags as clients send them."""

from rest_framework import serializers

from apps.common.api.serializers import Pattern, StrictSerializer
from apps.common.exceptions import BadRequest
from apps.compute.services.server_tags import MAX_TAGS

MAX_LENGTH = 60


class Tags(StrictSerializer):
    tags = serializers.ListField(
        child=Pattern(r"\A[^,/\x00]+\Z", max_length=MAX_LENGTH, trim_whitespace=False),
        max_length=MAX_TAGS,
    )


def check(tag: str) -> None:
    """Raise BadRequest (400) for a tag in a URL that no tag can be."""
    if len(tag) > MAX_LENGTH or "," in tag or "/" in tag or "\0" in tag:
        raise BadRequest(
            f"Tag '{tag[:64]}' is invalid. It must be a string without characters '/' and ','. "
            f"Maximum length for a tag is {MAX_LENGTH}"
        )
