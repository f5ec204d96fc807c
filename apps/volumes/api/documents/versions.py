"""The version of the Block Storage API as a document."""

from typing import Any

from django.http import HttpRequest

from apps.volumes.api import versions
from apps.volumes.api.documents.base import PREFIX

_MEDIA = {"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}


def render(request: HttpRequest) -> dict[str, Any]:
    return {
        "id": "v3.0",
        "status": "CURRENT",
        "updated": "2024-03-01T00:00:00Z",
        "version": str(versions.HIGHEST),
        "min_version": str(versions.LOWEST),
        "links": [{"rel": "self", "href": request.build_absolute_uri(f"{PREFIX}/")}],
        "media-types": [_MEDIA],
    }
