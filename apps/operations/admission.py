"""Admission checks for the front: to Flower, and for the file of a new image.

The operators' pages decide: who may see them may see Flower, who may act on them may send files.
"""

from http import HTTPStatus

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from apps.common.operators import may_act

SAFE = ("GET", "HEAD", "OPTIONS")


def _status(request: HttpRequest, method: str) -> int:
    """Return 204 for an operator, 401 for anybody else, 403 where a reader would change something."""
    if not admin.site.has_permission(request):
        return HTTPStatus.UNAUTHORIZED
    return HTTPStatus.NO_CONTENT if method in SAFE or may_act(request) else HTTPStatus.FORBIDDEN


@never_cache
def admit_flower(request: HttpRequest) -> HttpResponse:
    """Answer the front's question about a request for Flower, whose method is in X-Front-Method."""
    return HttpResponse(status=_status(request, request.headers.get("X-Front-Method", "GET")))


@never_cache
@csrf_exempt  # it changes nothing
def refuse_flower(request: HttpRequest, path: str = "") -> HttpResponse:
    """Answer requests that the front did not admit: a page with the sign-in, scripts and programs with 401."""
    status = _status(request, str(request.method))
    if status == HTTPStatus.FORBIDDEN:
        raise PermissionDenied
    if status == HTTPStatus.NO_CONTENT:
        raise Http404("Flower is behind the front, which this request did not pass.")
    if request.method in SAFE and "text/html" in request.headers.get("Accept", ""):
        return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
    return HttpResponse("Sign in to the operators' pages first.\n", status=status, content_type="text/plain")


def admit_form(request: HttpRequest) -> HttpResponse:
    """Answer the front's question whether a browser may send a new image's file: 204, or 403."""
    allowed = admin.site.has_permission(request) and may_act(request)
    return HttpResponse(status=204 if allowed else 403)
