"""The base of Nova's proxies for other services, which end with microversion 2.35."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework.request import Request

from apps.common.exceptions import BadRequest, Conflict, Forbidden, NotFound
from apps.common.microversions import Range, since
from apps.compute.api.views.base import ComputeView


class ProxyView(ComputeView):
    """404 from 2.36 on, or from where ``versions`` end."""

    versions: Range = since("2.1", "2.35")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.version not in self.versions:
            raise NotFound(f"API version '{request.version}' is not supported on this method.")


@contextmanager
def nova_faults() -> Iterator[None]:
    """Translate another service's conflicts as Nova does: 403 for a quota, 400 for the rest."""
    try:
        yield
    except Conflict as error:
        raise (Forbidden if error.kind == "OverQuota" else BadRequest)(error.message) from error
