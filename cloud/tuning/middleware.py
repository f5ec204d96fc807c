"""Django's layers for pages: sessions, CSRF, the signed-in person, messages. API calls of programs pass them by.

They cost a tenth of a short call. A call with a cookie comes from a browser and goes through all of them; which
is which, RequestMiddleware has written on the request.
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
    """Its look at each view stays: what is not exempt refuses a write without a cookie, as it always does."""


class AuthenticationMiddleware(_ForPages, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(_ForPages, messages.MessageMiddleware):
    pass
