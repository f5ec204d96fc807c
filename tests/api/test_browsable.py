"""The API and its reference in a browser: pages, forms, sessions, CSRF."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.common.api import renderers
from apps.compute.services import bootstrap as compute
from apps.networking.services import bootstrap as networking
from tests import small_cloud

PASSWORD = "correct horse battery"
PAGES = [
    "/compute/v2.1/servers",
    "/compute/v2.1/servers/detail",
    "/compute/v2.1/flavors",
    "/compute/v2.1/os-keypairs",
    "/compute/v2.1/limits",
    "/image/v2/images",
    "/network/v2.0/networks",
    "/network/v2.0/security-groups",
    "/identity/v3/auth/projects",
]
WITH_FORMS = ["/compute/v2.1/servers", "/compute/v2.1/os-keypairs", "/image/v2/images", "/network/v2.0/networks"]


@pytest.fixture
def browser(db: None, settings: Any, tmp_path: Path) -> Client:
    """A member's browser, signed in on the sign-in page."""
    settings.FERNET_KEY_DIR = tmp_path / "fernet-keys"
    settings.CREDENTIAL_KEY_DIR = tmp_path / "credential-keys"
    small_cloud.bootstrap(password=PASSWORD)
    networking.load()
    compute.ensure_flavors()
    client = Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    client.get("/sign-in/login/")
    form = {"username": "demo", "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    signed = client.post("/sign-in/login/?next=/", form)
    assert signed.status_code == 302
    return client


def post(browser: Client, path: str, document: Any, **headers: str) -> Any:
    """Send a page's raw form as its script does."""
    return browser.post(path, json.dumps(document), content_type="application/json", headers=headers)


@pytest.mark.parametrize("path", PAGES)
def test_pages(browser: Client, path: str) -> None:
    page = browser.get(path)
    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"Celerity" in page.content


@pytest.mark.parametrize("path", WITH_FORMS)
def test_forms_start_with_an_example(browser: Client, path: str) -> None:
    text = browser.get(path).content.decode()
    found = re.search(r'<textarea[^>]*name="_content"[^>]*>(.*?)</textarea>', text, re.S)
    assert found is not None
    assert json.loads(found[1].replace("&quot;", '"').replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">"))


@pytest.mark.parametrize("path", PAGES)
def test_nobody(db: None, path: str) -> None:
    page = Client(headers={"Accept": "text/html"}).get(path)
    assert page.status_code == 401
    assert page["WWW-Authenticate"].startswith("Keystone")


def test_a_form_writes(browser: Client) -> None:
    token = browser.cookies["csrftoken"].value
    made = post(browser, "/network/v2.0/networks", {"network": {"name": "n"}}, **{"X-CSRFToken": token})
    assert made.status_code == 201
    assert b"HTTP 201 Created" in made.content.replace(b"<b>", b"").replace(b"</b>", b"")
    assert b"&quot;n&quot;" in browser.get("/network/v2.0/networks").content


def test_csrf(browser: Client) -> None:
    for headers in ({}, {"X-CSRFToken": "x" * 64}):
        refused = post(browser, "/network/v2.0/networks", {"network": {"name": "n"}}, **headers)
        assert refused.status_code == 403
        assert b"CSRF" in refused.content
    assert b"&quot;n&quot;" not in browser.get("/network/v2.0/networks").content


def test_a_browsers_page_is_of_the_newest_version(browser: Client) -> None:
    assert browser.get("/compute/v2.1/servers")["OpenStack-API-Version"] == "compute 2.104"
    plain = browser.get("/compute/v2.1/servers", headers={"Accept": "application/json"})
    assert plain["OpenStack-API-Version"] == "compute 2.1"


def test_refusals_are_pages_too(browser: Client) -> None:
    page = browser.get("/compute/v2.1/servers/none")
    assert page.status_code == 404
    assert b"itemNotFound" in page.content


def test_reference(client: Client, db: None) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert b"http://" not in re.sub(rb"http://testserver|http://www\.w3\.org", b"", page.content)
    assert b"https://" not in page.content  # scripts and styles are our own: it works without the Internet
    schema = client.get("/api/schema/")
    assert schema.status_code == 200
    assert b"/compute/v2.1/servers" in schema.content


def test_static_files_are_served(client: Client) -> None:
    for path in ("rest_framework/css/default.css", "unfold/css/styles.css", "cloud/admin.css"):
        assert client.get(f"/static/{path}").status_code == 200


def test_forms_that_change_start_from_the_object(browser: Client) -> None:
    """A form's PUT, sent unchanged, must not rename the resource."""
    token = browser.cookies["csrftoken"].value
    made = post(browser, "/network/v2.0/networks", {"network": {"name": "mine"}}, **{"X-CSRFToken": token})
    assert made.status_code == 201
    listed = browser.get("/network/v2.0/networks?name=mine", headers={"Accept": "application/json"}).json()
    found = listed["networks"][0]
    text = html.unescape(browser.get(f"/network/v2.0/networks/{found['id']}").content.decode())
    forms = re.findall(r'<textarea[^>]*name="_content"[^>]*>(.*?)</textarea>', text, re.S)
    assert [json.loads(form) for form in forms] == [{"network": {"name": "mine"}}]
    assert re.search(r"delete this [\w ]*mine\?", text)


def test_forms_leave_out_what_the_object_does_not_have() -> None:
    example = {"server": {"name": "vm1", "description": "What it is for"}}
    assert renderers.filled(example, {"server": {"name": "web", "id": "1"}}) == {"server": {"name": "web"}}
    assert renderers.filled(example, None) == example
