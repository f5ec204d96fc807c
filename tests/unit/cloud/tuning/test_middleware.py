"""Only browsers' requests pass the middleware for pages and have a session."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client

from cloud import settings
from cloud.tuning import middleware

LAYERS = [name for name in settings.MIDDLEWARE if name.startswith("cloud.tuning.middleware.")]


def through(request: HttpRequest) -> bool:
    """Return whether the session's layer has looked at a request."""
    middleware.SessionMiddleware(lambda _: HttpResponse())(request)
    return hasattr(request, "session")


@pytest.mark.parametrize("is_program", [True, False])
def test_layers(rf: Any, is_program: bool) -> None:
    request = rf.get("/compute/v2.1/servers")
    request.is_program = is_program
    assert through(request) is not is_program


def test_every_layer_that_needs_a_session_passes_programs_by() -> None:
    assert len(LAYERS) == 4


@pytest.mark.parametrize(
    ("path", "cookie", "programs"),
    [
        ("/compute/v2.1/flavors", False, True),
        ("/compute/v2.1/flavors", True, False),
        ("/identity/v3", False, True),
        ("/", False, False),
        ("/admin/login/", False, False),
    ],
)
def test_who_is_a_program(db: None, path: str, cookie: bool, programs: bool) -> None:
    client = Client()
    if cookie:
        client.cookies["csrftoken"] = "x" * 32
    assert client.get(path).wsgi_request.is_program is programs
