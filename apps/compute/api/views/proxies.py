"""The base of Nova's proxies for other services, which end with microversion 2.35."""

from collections.abc import Iterator
from contextlib import contextmanager

from apps.common.exceptions import BadRequest, Conflict, Forbidden, TooLarge
from apps.common.microversions import since
from apps.compute.api.views.base import ComputeView


class ProxyView(ComputeView):
    """404 from 2.36 on, or from where ``versions`` end."""

    versions = since("2.1", "2.35")


@contextmanager
def nova_faults() -> Iterator[None]:
    """Translate another service's refusals as Nova does: 403 for a quota, 400 for other conflicts."""
    try:
        yield
    except TooLarge as error:  # the volume service's word for a quota
        raise Forbidden(error.message) from error
    except Conflict as error:
        raise (Forbidden if error.kind == "OverQuota" else BadRequest)(error.message) from error
