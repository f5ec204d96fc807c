"""A refusal of the image service was flat JSON for everybody: glanceclient raised AttributeError, Horizon showed a 500.

Glance answers with a page unless the client prefers JSON, also for unknown paths.
"""

import uuid
from typing import Any

import pytest

from tests.callers import Caller

JSON = "application/json"


IMAGE = f"/image/v2/images/{uuid.UUID(int=7)}/members"
NOWHERE = "/image/v2/nothing/here"


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("*/*", True),
        ("text/html", True),
        ("text/plain", True),
        ("text/html;q=0.9, application/json;q=0.8", True),
        (JSON, False),
        ("application/json, text/plain, */*", False),
        ("text/html;q=0.5, application/json", False),
        ("", False),
        (None, False),
        ("application/json;q=x", False),
    ],
)
@pytest.mark.django_db
def test_refusals(accept: str | None, html: bool) -> None:
    # Of paths that are there a browser gets the browsable API's page.
    for path in (NOWHERE,) if "text/html" in (accept or "") else (IMAGE, NOWHERE):
        check(path, accept, html=html)


def check(path: str, accept: str | None, *, html: bool) -> None:
    headers = {} if accept is None else {"HTTP_ACCEPT": accept}
    response = Caller("").call("get", path, **headers)
    assert response.status_code == 404
    assert response["x-openstack-request-id"].startswith("req-")
    if html:
        assert response["Content-Type"] == "text/html; charset=UTF-8"
        text = response.content.decode()
        assert "<title>404 Not Found</title>" in text
        assert "No image found with ID" in text or "could not be found" in text
    else:
        assert response["Content-Type"].startswith(JSON)
        assert response.json()["code"] == "404 Not Found"


@pytest.mark.django_db
def test_what_a_client_sent_is_text_on_the_page() -> None:
    response = Caller("").call("get", "/image/v2/images/<script>x<script>/members", HTTP_ACCEPT="*/*")
    assert response.status_code == 404
    assert "<script>" not in response.content.decode()
    assert "&lt;script&gt;" in response.content.decode()


@pytest.mark.django_db
def test_other_services_stay_with_json() -> None:
    for path in ("/network/v2.0/networks/x", "/network/v2.0/nothing"):
        response: Any = Caller("").call("get", path, HTTP_ACCEPT="*/*")
        assert response.status_code == 404
        assert "NeutronError" in response.json()
