"""Calls of OpenStack's that this cloud does not have: they say so, rather than that there is no such place."""

from collections.abc import Mapping
from typing import Any

from django.urls import URLPattern, path
from rest_framework.request import Request

from apps.common.api.views import Response, ServiceView
from apps.common.exceptions import NotOffered


class NotOfferedView(ServiceView):
    """``what`` names the feature that is missing."""

    schema = None
    what = ""

    def refuse(self, request: Request, **parameters: Any) -> Response:
        """Say that the call is not offered. Raises NotOffered (404)."""
        raise NotOffered(what=self.what)

    get = post = put = patch = delete = refuse


def routes(prefix: str, features: Mapping[str, str]) -> list[URLPattern]:
    """Return routes for each place below ``prefix`` and all that is below it; the values name the features."""
    return [
        path(f"{prefix}/{place}{rest}", NotOfferedView.as_view(what=what))
        for place, what in features.items()
        for rest in ("", "/<path:rest>")
    ]
