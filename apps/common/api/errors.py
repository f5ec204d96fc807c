"""One handler renders every refusal in the shape of the service that was asked."""

import sys
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from psycopg2 import errorcodes
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import set_rollback

from apps.common.api import fault_pages
from apps.common.exceptions import (
    FAULT_KEYS,
    BadRequest,
    CloudError,
    Conflict,
    NotFound,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from apps.common.service_paths import service_of

log = structlog.get_logger("celerity.api")


def body_of(service: str, *, code: int, message: str, kind: str = "") -> dict[str, Any]:
    """Return the error document of ``service`` for an HTTP status, a sentence and an error type."""
    title = HTTPStatus(code).phrase
    if code == 401 or service == "identity":
        return {"error": {"code": code, "title": title, "message": message}}
    if service == "network":
        return {"NeutronError": {"type": kind or title.replace(" ", ""), "message": message, "detail": ""}}
    if service == "image":
        return {"code": f"{code} {title}", "title": title, "message": message}
    return {FAULT_KEYS.get(code, "computeFault"): {"code": code, "message": message}}


def sentence(detail: Any, path: str = "") -> str:
    """Flatten DRF's nested validation errors into one sentence that names the field."""
    if isinstance(detail, dict):
        key, value = next(iter(detail.items()))
        if key == "non_field_errors":
            return sentence(value, path)
        return sentence(value, f"{path}.{key}" if path else str(key))
    if isinstance(detail, list):
        index, value = next(((i, v) for i, v in enumerate(detail) if v), (0, "not valid"))
        nested = isinstance(value, dict)
        return sentence(value, f"{path}[{index}]" if nested and path else path)
    return f"Invalid input for field/attribute {path}: {detail}" if path else str(detail)


def _translate(exc: Exception) -> CloudError:
    """Return the CloudError that stands for an exception of Django or DRF."""
    if isinstance(exc, CloudError):
        return exc
    if isinstance(exc, Http404):
        return NotFound()
    # psycopg2 raises the bare DatabaseError where a session ended in the middle of an answer.
    if isinstance(exc, OperationalError | InterfaceError) or type(exc) is DatabaseError:
        return _unanswered(exc)
    if isinstance(exc, DataError):  # a regular expression that only PostgreSQL refuses, a number beyond a column
        log.warning("database refused a value", error=str(exc)[:300])
        return BadRequest("A value in the request is not acceptable.")
    if isinstance(exc, IntegrityError) and _is_conflict(exc):
        log.warning("overtaken by another request", error=str(exc)[:300])
        return Conflict("What the request refers to was changed or deleted at the same moment. Try it again.")
    if isinstance(exc, RequestDataTooBig | TooManyFieldsSent):
        return _too_much(exc)
    if isinstance(exc, drf.NotAuthenticated | drf.AuthenticationFailed):
        return Unauthorized()
    if isinstance(exc, drf.ValidationError):
        return BadRequest(sentence(exc.detail))
    if isinstance(exc, drf.APIException):
        error = CloudError(str(getattr(exc, "detail", exc)))
        error.code = exc.status_code
        error.kind = type(exc).__name__
        return error
    raise exc


def _too_much(exc: Exception) -> CloudError:
    if isinstance(exc, TooManyFieldsSent):
        return BadRequest("The request has too many parameters.")
    return TooLarge("The request body is too large.")


def _unanswered(exc: Exception) -> CloudError:
    """Return the refusal for a database that is away, or that was stopped by ``statement_timeout``."""
    log.warning("database does not answer", error=str(exc)[:300])
    if getattr(exc.__cause__, "pgcode", None) == errorcodes.QUERY_CANCELED:
        return Unavailable("The database did not answer in time. Ask for less, or try again.")
    return Unavailable()


def _is_conflict(exc: IntegrityError) -> bool:
    """Say whether rows stood in the way that services had looked for before: somebody was faster.

    Values that break a column's own rules are mistakes of ours.
    """
    if isinstance(exc, ProtectedError | RestrictedError):
        return True
    code = getattr(exc.__cause__, "pgcode", None)
    return code in (errorcodes.FOREIGN_KEY_VIOLATION, errorcodes.UNIQUE_VIOLATION, errorcodes.RESTRICT_VIOLATION)


def headers_of(error: CloudError, request: HttpRequest) -> dict[str, str]:
    if isinstance(error, Unauthorized) or error.code == 401:
        return {"WWW-Authenticate": f'Keystone uri="{request.build_absolute_uri("/identity")}"'}
    if error.code == 429 and "seconds" in error.values:
        return {"Retry-After": str(error.values["seconds"])}
    return {}


def handle(exc: Exception, info: dict[str, Any]) -> HttpResponse | None:
    """DRF's exception handler. Unknown exceptions become the service's own 500; their text goes to the log only."""
    request = info["request"]
    service = service_of(request.path)
    try:
        error = _translate(exc)
    except Exception:
        log.exception("unexpected error", path=request.path[:500])
        error = CloudError("Unexpected API error. The operator finds it in the log under this request's id.")
    set_rollback()  # only where a request is a transaction (ATOMIC_REQUESTS); services roll back their own
    headers = headers_of(error, request._request)
    if error.code != 401 and _as_html(service, request._request) and not _is_browser(request):
        page = fault_pages.render(error.code, error.message)
        for name, value in headers.items():
            page[name] = value
        return page
    body = body_of(service, code=error.code, message=error.message, kind=error.kind)
    return Response(body, status=error.code, headers=headers)


def _as_html(service: str, request: HttpRequest) -> bool:
    return fault_pages.wanted(service, request.META.get("HTTP_ACCEPT", ""))


def _is_browser(request: Any) -> bool:
    """Return whether the browsable API renders the answer: it shows refusals in its own page."""
    renderer = getattr(request, "accepted_renderer", None)
    return renderer is not None and renderer.media_type == "text/html"


def _plain(request: HttpRequest, code: int, message: str, kind: str = "") -> HttpResponse:
    """Return a refusal from outside of any view, in the shape of the service that was asked."""
    service = service_of(request.path)
    if _as_html(service, request):
        return fault_pages.render(code, message)
    return JsonResponse(body_of(service, code=code, message=message, kind=kind), status=code)


def _page(request: HttpRequest, code: int, message: str) -> HttpResponse | None:
    """Return a refusal for people on the operator's pages; None elsewhere. No session is asked: there may be none."""
    if not request.path.startswith("/admin/"):
        return None
    title = HTTPStatus(code).phrase
    return HttpResponse(render_to_string("refused.html", {"title": title, "message": message}), status=code)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler404: unknown URLs in the service's own shape."""
    return _page(request, 404, "This page does not exist.") or _plain(
        request, 404, "The resource could not be found.", "HTTPNotFound"
    )


def database_fault(request: HttpRequest, exc: BaseException | None) -> HttpResponse | None:
    """Return a refusal if the database is unreachable or too slow; None for any other error."""
    if not isinstance(exc, DatabaseError | InterfaceError) or isinstance(exc, DataError | IntegrityError):
        return None
    try:
        error = _translate(exc)
    except Exception:
        return None
    return refusal(request, error.code, error.message)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: nothing about the inside leaves the house."""
    if (fault := database_fault(request, sys.exc_info()[1])) is not None:
        return fault
    message = "Unexpected API error. The operator finds it in the log under this request's id."
    return _page(request, 500, message) or _plain(request, 500, message)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler400: requests that Django itself refuses."""
    return refusal(request, 400, "The request could not be understood.")


def refusal(request: HttpRequest, code: int, message: str) -> HttpResponse:
    """Refuse a request before any view sees it: a page for people at the operator's pages, JSON for all others."""
    return _page(request, code, message) or _plain(request, code, message)
