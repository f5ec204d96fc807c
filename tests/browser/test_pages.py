"""Every kind of page in a browser: no serious finding of axe, and no page wider than its window."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.compute.models import Server
from apps.identity.models import Project
from apps.identity.services import bootstrap
from apps.operations.admin.navigation import MENU
from apps.scheduling.models import Host
from apps.workflow.models import Run
from tests.admin import rows
from tests.admin.acting import add, change
from tests.browser.chrome import Browser, browser, installed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not installed(), reason="chromium and chromium-driver are not installed"),
]
AXE = (Path(__file__).parent / "axe.min.js").read_text()
CHECK = """
const done = arguments[arguments.length - 1];
function told(rule) {
  return rule.id + ": " + rule.nodes.slice(0, 3).map(function (node) { return node.html.slice(0, 160); }).join(" | ");
}
axe.run(document, { resultTypes: ["violations"] }).then(function (found) {
  done(found.violations.filter(function (rule) { return ["serious", "critical"].includes(rule.impact); }).map(told));
}, function (error) { done([String(error)]); });
"""
TALLEST = (
    "return Math.max(0, ...Array.from(document.querySelectorAll('#result_list tr.data-row'), e => e.offsetHeight))"
)
TABLE = (
    "const t = document.querySelector('#result_list'); return t ? [t.scrollWidth, t.parentElement.clientWidth] : [0, 1]"
)
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def window(tmp_path_factory: Any) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def cloud(live_server: Any, settings: Any, tmp_path: Path) -> str:
    """The address of a cloud with a few rows of every model."""
    settings.FERNET_KEY_DIR, settings.CREDENTIAL_KEY_DIR = tmp_path / "fernet-keys", tmp_path / "credential-keys"
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    bootstrap.bootstrap(admin_password=PASSWORD, demo_password=PASSWORD, public_url=live_server.url, region="RegionOne")
    rows.fill(3)
    return str(live_server.url)


def pages() -> list[str]:
    """Return the address of every list, and of one page of each other kind."""
    server, host = Server.objects.get(name="n1"), Host.objects.get(name="n1")
    lists = [reverse(f"admin:{page}_changelist") for entries in MENU.values() for _, _, page in entries]
    objects = [change(one) for one in (server, host, Project.objects.get(name="n1"), Run.objects.first())]
    asked = [
        reverse("admin:compute_server_operation", args=[server.pk, "delete"]),
        reverse("admin:scheduling_host_operation", args=[host.pk, "disable"]),
    ]
    empty = f"{reverse('admin:compute_server_changelist')}?q=nothing-is-called-so"
    return [reverse("admin:index"), *lists, empty, *objects, *asked, add(Project), "/", "/compute/v2.1/servers"]


def test_pages(window: Browser, cloud: str) -> None:
    """One walk through all pages: starting a browser and filling a cloud cost more than a page."""
    window.size(1400, 900)
    found: dict[str, list[str]] = {}
    window.open(f"{cloud}/admin/login/")
    found["sign in"] = _serious(window)
    client = Client()
    assert client.post("/admin/login/", {"username": "admin", "password": PASSWORD}).status_code == 302
    window.cookie("sessionid", client.cookies["sessionid"].value)
    for address in pages():
        window.open(cloud + address)
        assert window.run("return location.pathname") == address.split("?")[0], "signed out"
        found[address] = window.violations() + _serious(window) + _wide(window, 1400)
    for address in (reverse("admin:compute_server_changelist"), reverse("admin:workflow_run_changelist")):
        window.size(390, 844)
        window.open(cloud + address)
        found[f"{address} narrow"] = _wide(window, 390)
        assert window.run(TALLEST) <= 62, "a row takes more than two lines"
    assert {address: findings for address, findings in found.items() if findings} == {}


def _serious(window: Browser) -> list[str]:
    window.run(AXE)
    found: list[str] = window.wait(CHECK)
    return found


def _wide(window: Browser, width: int) -> list[str]:
    """Return by how much a page or its list exceeds the width of the window."""
    page = window.run("return document.documentElement.scrollWidth")
    table, box = window.run(TABLE)
    wide = [f"the page has {page} px of {width}"] if page > width else []
    return wide + ([f"the list has {table} px of {box}"] if width == 1400 and table > box + 1 else [])
