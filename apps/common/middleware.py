"""The outermost layer of a request: its id, its log line, and paths as clients really write them."""

import re
import time
from collections.abc import Callable

import structlog
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from apps.common import bodies, content_policy, context
from apps.common.api import errors
from apps.common.exceptions import CloudError
from apps.common.service_paths import service_of

log = structlog.get_logger("celerity.api")
ANY_HOST = ("/healthz", "/metrics")  # asked by machines, under the address that they know
IDENTITY, ADMIN_URL = "/identity", "/identity/admin"
_SLASHES = re.compile(r"/{2,}")
_TOKEN_IN_PATH = re.compile(r"(/v2\.0/+tokens/+)[^/]+|gAAAA[\w-]{16,}=*", re.IGNORECASE)


def shown(path: str) -> str:
    """Return a path as logs may show it: without the token that identity v2.0 puts there, or a client in error."""
    return _TOKEN_IN_PATH.sub(r"\1***", path)


def _is_admin_url(path: str) -> bool:
    """Return whether a path is at identity's admin URL.

    The calls are the same, but there v2.0 lists tenants as on Keystone's admin port.
    """
    return path.startswith(ADMIN_URL) and path[len(ADMIN_URL) : len(ADMIN_URL) + 1] in ("", "/")


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to a request that no view should see; None for all others."""
    if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
        return errors.bad_request(request)  # PostgreSQL's texts have no NUL: an error there, a 400 here
    if request.path_info not in ANY_HOST:
        try:
            request.get_host()
        except DisallowedHost:
            host = repr(request.META.get("HTTP_HOST", ""))[1:-1][:253]
            log.warning("host name not allowed", host=host)
            return errors.refusal(request, 400, f"Host {host} is not in CELERITY_ALLOWED_HOSTS.")
    try:
        bodies.set_length(request)
    except CloudError as error:
        return errors.refusal(request, error.code, error.message)
    return None


def _sign(response: HttpResponse, service: str, request_id: str) -> None:
    """Set the headers that every answer of a service has, refusals and unknown paths too."""
    response["x-openstack-request-id"] = request_id
    if service == "compute":
        response["x-compute-request-id"] = request_id
    if service == "identity":  # no cache serves one caller's answer to another
        patch_vary_headers(response, ("X-Auth-Token",))


class RequestMiddleware:
    """Gives every request an id, and every response the headers that clients read it from.

    ``/compute/v2.1`` and ``/compute/v2.1/`` are the same place and some clients double slashes, so service paths
    are normalised here; a redirect would lose the body of a POST.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Handle errors of pages as ``errors.handle`` does for services: an unreachable database is a 503."""
        from apps.common.api import errors

        return errors.database_fault(request, exception)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = context.new_request_id()
        token = context.current_request_id.set(request_id)
        request.request_id = request_id  # type: ignore[attr-defined]
        service = service_of(request.path_info)
        # No cookie on an API's path: no browser, so no session (cloud/tuning/middleware.py).
        request.is_program = bool(service) and not request.META.get("HTTP_COOKIE")  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        outer = request.META.get("HTTP_X_OPENSTACK_REQUEST_ID", "")
        if context.REQUEST_ID.match(outer):
            structlog.contextvars.bind_contextvars(global_request_id=outer)
        if service:
            request.path_info = _SLASHES.sub("/", request.path_info).rstrip("/")
            request.at_admin_url = _is_admin_url(request.path_info)  # type: ignore[attr-defined]
            if request.at_admin_url:  # type: ignore[attr-defined]
                request.path_info = IDENTITY + request.path_info[len(ADMIN_URL) :]
        request.path = shown(request.path)  # for logs; routing uses path_info
        try:
            response = _refusal(request) or self.get_response(request)
        finally:
            context.current_request_id.reset(token)
        if request.method == "HEAD" and not response.streaming:
            response.content = b""  # WSGI servers send the body unchanged
        _sign(response, service, request_id)
        content_policy.set_on(response, request.path_info)
        bodiless = request.method == "HEAD" or response.status_code in (204, 304)
        if not bodiless and not response.streaming and "Content-Length" not in response:
            response["Content-Length"] = str(len(response.content))
        if service or response.status_code >= 400:
            log.info(
                "request",
                method=request.method,
                path=request.path[:500],
                status=response.status_code,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
        return response
