"""Middleware that only pages need: sessions, CSRF, the signed-in user, messages. Programs' API calls skip it.

A request with a cookie comes from a browser and passes all of it; RequestMiddleware has noted on the request which
kind it is.

Replaces: django.utils.deprecation.MiddlewareMixin.__call__ for requests of programs.
Gains: a tenth of a short call.
Remove: name Django's four classes in MIDDLEWARE, delete this module.
"""

from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.middleware import csrf


class _ForPages:
    """Goes before a layer of Django's: an API call goes on to the next one at once."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.is_program:  # type: ignore[attr-defined]
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class SessionMiddleware(_ForPages, sessions.SessionMiddleware):
    pass


class CsrfViewMiddleware(_ForPages, csrf.CsrfViewMiddleware):
    """It still checks each view: views that are not exempt refuse a write without a cookie."""


class AuthenticationMiddleware(_ForPages, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(_ForPages, messages.MessageMiddleware):
    pass
