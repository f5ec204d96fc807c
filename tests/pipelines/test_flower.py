"""Flower behind the front: only for users of the operators' pages, with the same headers as these."""

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from apps.common import content_policy
from deploy import health
from deploy.environment import Environment
from deploy.front import flower as behind_the_front
from tests.browser.chrome import Browser, browser, installed
from tests.cloud import Cloud, signed_in, wait_for

pytestmark = [pytest.mark.processes]
PAGE = {"Accept": "text/html,*/*;q=0.8"}
REVOKE = "/flower/api/task/revoke/7d1a4d1e-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def cloud(shared_cloud: Cloud) -> Iterator[Cloud]:
    shared_cloud.start("flower")
    try:
        yield shared_cloud
    finally:
        shared_cloud.kill("flower", restart=False)


def person(cloud: Cloud, name: str, role: str) -> requests.Session:
    """Return the signed-in browser of a new user with a role on the system."""
    admin = {"admin": True}
    body = {"user": {"name": name, "password": "correct horse battery", "domain_id": "default"}}
    user = cloud.call("POST", "/identity/v3/users", body, **admin).json()["user"]["id"]
    listed = cloud.call("GET", f"/identity/v3/roles?name={role}", **admin).json()["roles"]
    cloud.call("PUT", f"/identity/v3/system/users/{user}/roles/{listed[0]['id']}", **admin)
    return signed_in(cloud.url, name, "correct horse battery")


@pytest.fixture(scope="module")
def operator(cloud: Cloud) -> requests.Session:
    session = signed_in(cloud.url, "admin", cloud.environment["CELERITY_ADMIN_PASSWORD"])
    wait_for(lambda: session.get(f"{cloud.url}/flower/", timeout=30).status_code == 200, what="Flower")
    return session


@pytest.fixture(scope="module")
def reader(cloud: Cloud, operator: requests.Session) -> requests.Session:
    return person(cloud, "flower-reader", "reader")


def test_a_stranger_is_sent_to_the_sign_in_and_back(cloud: Cloud, operator: requests.Session) -> None:
    asked = "/flower/tasks?limit=5&sort=name"
    answer = requests.get(cloud.url + asked, headers=PAGE, timeout=30, allow_redirects=False)
    assert answer.status_code == 302
    bare = requests.get(f"{cloud.url}/flower", timeout=30, allow_redirects=False)
    assert bare.headers["Location"] == "/flower/"  # whatever scheme a proxy in front has
    there = urlsplit(answer.headers["Location"])
    assert there.path == "/admin/login/" and parse_qs(there.query)["next"] == [asked]


@pytest.mark.parametrize("path", ["/flower/workers?json=1", "/flower/static/js/flower.js", "/flower/api/workers"])
def test_scripts_and_programs_of_strangers_read_401(cloud: Cloud, operator: requests.Session, path: str) -> None:
    password = cloud.environment["CELERITY_FLOWER_PASSWORD"]
    for auth in (None, ("admin", password)):  # Flower's own password opens nothing from outside
        assert requests.get(cloud.url + path, timeout=30, auth=auth, allow_redirects=False).status_code == 401


def test_members_of_projects_are_no_operators(cloud: Cloud, operator: requests.Session) -> None:
    session = requests.Session()
    address = f"{cloud.url}/sign-in/login/?next=/"
    session.get(address, timeout=30)
    form = {"username": "demo", "password": cloud.environment["CELERITY_DEMO_PASSWORD"],
            "csrfmiddlewaretoken": session.cookies["csrftoken"], "next": "/"}  # fmt: skip
    session.post(address, form, headers={"Referer": address}, timeout=30, allow_redirects=False)
    assert "sessionid" in session.cookies
    answer = session.get(f"{cloud.url}/flower/", headers=PAGE, timeout=30, allow_redirects=False)
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/admin/login/")
    assert session.post(cloud.url + REVOKE, timeout=30).status_code == 401


def test_status_asks_flower_itself(cloud: Cloud, operator: requests.Session, tmp_path: Path) -> None:
    assert health.flower(Environment(cloud.state, cloud.environment))
    assert not health.flower(Environment(tmp_path, cloud.environment))


def test_operators_need_no_second_password(cloud: Cloud, operator: requests.Session) -> None:
    for path in ("/flower/", "/flower/tasks", "/flower/broker", "/flower/static/js/flower.js", "/flower/api/workers"):
        answer = operator.get(cloud.url + path, headers=PAGE, timeout=30)
        assert answer.status_code == 200 and "WWW-Authenticate" not in answer.headers, path
    metrics = operator.get(f"{cloud.url}/flower/metrics", timeout=30)
    assert metrics.status_code == 404 and metrics.json()["itemNotFound"]["code"] == 404
    assert metrics.headers["x-openstack-request-id"].startswith("req-")
    assert operator.post(cloud.url + REVOKE, timeout=30).status_code == 200


def test_readers_view_and_change_nothing(cloud: Cloud, reader: requests.Session) -> None:
    assert reader.get(f"{cloud.url}/flower/workers?json=1", timeout=30).status_code == 200
    listed = reader.post(f"{cloud.url}/flower/tasks/datatable", datatable(), timeout=30)
    assert listed.status_code == 200 and "recordsTotal" in listed.json()
    for path in (REVOKE, "/flower/api/task/revoke/x/../../../../tasks/datatable"):
        sent = requests.Request("POST", cloud.url + path, cookies=reader.cookies).prepare()
        sent.url = cloud.url + path  # as it is: dots and all
        assert requests.Session().send(sent, timeout=30).status_code in (400, 403, 405), path


def datatable() -> dict[str, Any]:
    return {"draw": 1, "start": 0, "length": 10, "search[value]": "", "order[0][column]": 0, "order[0][dir]": "asc",
            "columns[0][data]": "name"}  # fmt: skip


def test_another_site_posts_nothing(cloud: Cloud, operator: requests.Session) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://elsewhere.example"}):
        assert operator.post(cloud.url + REVOKE, headers=headers, timeout=30).status_code == 403


def test_the_headers_are_those_of_other_pages(cloud: Cloud, operator: requests.Session) -> None:
    ours = operator.get(f"{cloud.url}/admin/", headers=PAGE, timeout=30).headers
    page = operator.get(f"{cloud.url}/flower/", headers=PAGE, timeout=30)
    theirs = page.headers
    for name in behind_the_front.PAGE_HEADERS:
        assert theirs[name] == ours[name], name
    inline = re.findall(r"<script(?! src)[^>]*>(.*?)</script>", page.text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline]
    assert len(digests) == 1
    assert theirs["Content-Security-Policy"].replace(f" 'sha256-{digests[0]}'", "") == content_policy.OTHERS


def test_the_configuration_is_private(cloud: Cloud) -> None:
    """The file has Flower's password, with which other accounts of the host could use Flower's socket."""
    assert (cloud.state / "front" / "nginx.conf").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not installed(), reason="chromium and chromium-driver are not installed")
def test_pages_in_a_browser(cloud: Cloud, operator: requests.Session, tmp_path: Path) -> None:
    """Sign in on the way to Flower, and see its pages work without a violation of the policy."""
    with browser(tmp_path / "chromium") as window:
        window.open(f"{cloud.url}/flower/")
        assert window.run("return location.pathname") == "/admin/login/"
        enter(window, "admin", cloud.environment["CELERITY_ADMIN_PASSWORD"])
        wait_for(lambda: window.run("return location.pathname") == "/flower/", what="the way back", seconds=20)
        assert window.run("return typeof autorefresh") == "number"
        rows = "return document.querySelectorAll('#workers-table tbody a.worker-name-link').length"
        wait_for(lambda: window.run(rows) >= 1, what="workers on Flower's page", seconds=20)
        window.open(f"{cloud.url}/flower/tasks")
        wait_for(lambda: "Loading" not in window.run("return document.body.innerText"), what="tasks", seconds=20)
        assert window.violations() == []


def enter(window: Browser, name: str, password: str) -> None:
    window.run(
        "document.querySelector('[name=username]').value = arguments[0];"
        "document.querySelector('[name=password]').value = arguments[1];"
        "document.querySelector('[name=password]').form.submit()", name, password,
    )  # fmt: skip
