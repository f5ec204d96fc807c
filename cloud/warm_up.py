"""Answers a few requests before the server forks its workers, which then share what these requests write.

First requests fill caches (relations of models, compiled queries, the library of ciphers), and the interpreter rewrites
the code that runs. Pages of memory that are written after the fork are there once in each process.
"""

import io
import logging
import time
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from apps.common.middleware import RequestMiddleware
from apps.identity.selectors import projects, users
from apps.identity.services import tokens
from apps.identity.services.auth_methods import microseconds
from apps.identity.states import DEFAULT_DOMAIN_ID, Scope

OPERATOR = "admin"  # the user and the project of `bootstrap`
ROUNDS = 10  # the interpreter rewrites what has run eight times
READS = (
    "/identity/v3/auth/tokens",
    "/compute/v2.1/flavors",
    "/compute/v2.1/servers/detail",
    "/network/v2.0/ports",
    "/volume/v3/volumes/detail",
    "/image/v2/images",
)
LONGEST_SECONDS = 5.0  # in all

log = structlog.get_logger("celerity.api")


def play() -> None:
    """Read a little of everything as the operator, without a log line or a count. Leaves no session open.

    Without a database, or in a cloud that has no operator yet, nothing is played: each worker does the same later. It
    ends with the first answer that is a failure, and after ``LONGEST_SECONDS``.
    """
    began, failure = time.monotonic(), ""
    logging.disable(logging.CRITICAL)
    try:
        token = operators_token()
        for path in READS * ROUNDS if token else ():
            answer = read(path, token)
            if answer.status_code >= 500 or time.monotonic() - began > LONGEST_SECONDS:
                failure = f"{path}: {answer.status_code}"
                break
    except Exception as error:
        failure = type(error).__name__
    finally:
        logging.disable(logging.NOTSET)
        structlog.contextvars.clear_contextvars()
        connections.close_all()
    if failure:
        log.warning("requests before the start were given up", why=failure)


def operators_token() -> str:
    """Return a token of the operator, "" where there is none. Nothing is written, so nobody has signed in."""
    user = users.by_name(name=OPERATOR, domain_id=DEFAULT_DOMAIN_ID)
    project = projects.by_name(name=OPERATOR, domain_id=DEFAULT_DOMAIN_ID)
    if user is None or project is None:
        return ""
    expires = round((time.time() + 2 * LONGEST_SECONDS) * 1e6)
    epoch = microseconds(user.tokens_valid_after)
    return tokens.issue(
        user_id=user.pk, user_epoch=epoch, methods=("password",), scope=Scope.PROJECT, scope_id=project.pk,
        expires_by=expires,
    )[0]  # fmt: skip


def read(path: str, token: str) -> HttpResponse:
    """Answer a GET as the route's view does, inside the middleware that all views rely on."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "limit=1",
        "HTTP_HOST": urlsplit(settings.PUBLIC_URL).netloc,
        "HTTP_X_AUTH_TOKEN": token,
        "HTTP_X_SUBJECT_TOKEN": token,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    return RequestMiddleware(_answer)(WSGIRequest(environ))


def _answer(request: HttpRequest) -> HttpResponse:
    match = request.resolver_match = resolve(request.path_info)
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response.render() if hasattr(response, "render") else response
