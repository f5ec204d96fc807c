"""The root of the cloud: a page for people, for programs the versions of every service."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from apps.common.api.negotiation import wants_page

# Type of the service, version, where its own discovery document is.
VERSIONS = (
    ("identity", "v3", "/identity/v3"),
    ("compute", "v2.1", "/compute/v2.1"),
    ("image", "v2", "/image/v2"),
    ("network", "v2.0", "/network/v2.0"),
)


def start(request: HttpRequest) -> HttpResponse:
    """Answer with the page, or with the list of versions."""
    if wants_page(request.META):
        answer = render(request, "cloud/start.html")
    else:
        answer = JsonResponse({"versions": [_version(request, *version) for version in VERSIONS]})
    patch_vary_headers(answer, ("Accept",))
    return answer


def _version(request: HttpRequest, service: str, version: str, path: str) -> dict[str, object]:
    links = [{"rel": "self", "href": request.build_absolute_uri(path)}]
    return {"id": version, "status": "CURRENT", "service_type": service, "links": links}
