"""The versions of the compute API as documents."""

from typing import Any

from rest_framework.request import Request

from apps.compute.api import versions


def render(request: Request, name: str) -> dict[str, Any]:
    newest = name == "v2.1"
    return {
        "id": name if newest else "v2.0",
        "status": "CURRENT" if newest else "SUPPORTED",
        "version": str(versions.HIGHEST) if newest else "",
        "min_version": str(versions.LOWEST) if newest else "",
        "updated": "2013-07-23T11:33:21Z" if newest else "2011-01-21T11:33:21Z",
        "links": [{"rel": "self", "href": request.build_absolute_uri(f"/compute/{'v2.1' if newest else 'v2'}/")}],
    }
