"""What many documents share: links, times, and a host's name that says nothing about the host."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from apps.common.microversions import Version
from apps.compute.api import versions

MICROSECONDS = "%Y-%m-%dT%H:%M:%S.%f"


def base_of(request: HttpRequest) -> str:
    """Return the URL of the version that was asked: ``http://…/compute/v2.1``."""
    version = "v2" if request.path.startswith("/compute/v2/") else "v2.1"
    return request.build_absolute_uri(f"/compute/{version}")


def links(request: HttpRequest, kind: str, key: str) -> list[dict[str, str]]:
    """Return the two links every entity has; the bookmark has no version in it."""
    return [
        {"rel": "self", "href": f"{base_of(request)}/{kind}/{key}"},
        {"rel": "bookmark", "href": request.build_absolute_uri(f"/compute/{kind}/{key}")},
    ]


def time(moment: datetime | None) -> str | None:
    """Return ``2026-01-01T00:00:00.000000``, in UTC."""
    return moment.strftime(MICROSECONDS) if moment else None


def hashed_host(*, project_id: str, host: str) -> str:
    """Return ``hostId``: differs by project, tells nothing about the host (nova/utils.py, generate_hostid)."""
    return hashlib.sha224(f"{project_id}{host}".encode()).hexdigest() if host else ""


def version_of(context: Mapping[str, Any]) -> Version:
    """Return the microversion that a serializer parses for: the newest where nobody asked (OpenAPI, forms)."""
    version: Version = getattr(context.get("request"), "version", None) or versions.HIGHEST
    return version
