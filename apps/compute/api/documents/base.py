"""Common parts of documents: links, and the hashed host."""

import hashlib

from django.http import HttpRequest


def base_of(request: HttpRequest) -> str:
    """Return the URL of the version that was asked: ``http://…/compute/v2.1``."""
    version = "v2" if request.path.startswith("/compute/v2/") else "v2.1"
    return request.build_absolute_uri(f"/compute/{version}")


class Links:
    """The two links every entity has, for one request; the bookmark has no version in it."""

    def __init__(self, request: HttpRequest) -> None:
        self.base = base_of(request)
        self.bookmark = request.build_absolute_uri("/compute")
        self.images = request.build_absolute_uri("/image/v2/images")

    def of(self, kind: str, key: str) -> list[dict[str, str]]:
        return [
            {"rel": "self", "href": f"{self.base}/{kind}/{key}"},
            {"rel": "bookmark", "href": f"{self.bookmark}/{kind}/{key}"},
        ]


def hashed_host(*, project_id: str, host: str) -> str:
    """Return ``hostId``: it differs by project and reveals nothing about the host (nova/utils.py, generate_hostid)."""
    return hashlib.sha224(f"{project_id}{host}".encode()).hexdigest() if host else ""
