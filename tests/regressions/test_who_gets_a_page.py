"""Programs whose Accept header had text/html besides */* got HTML pages, and so did all requests for the root."""

import pytest
from django.test import Client

CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
JAVA = "text/html, image/gif, *; q=.2, */*; q=.2"


@pytest.mark.parametrize(
    ("accept", "headers", "page"),
    [
        (CHROMIUM, {}, True),
        (CHROMIUM, {"Sec-Fetch-Mode": "navigate"}, True),
        (CHROMIUM, {"Sec-Fetch-Mode": "cors"}, False),
        (CHROMIUM, {"X-Auth-Token": "x"}, False),
        ("text/html", {}, True),
        (JAVA, {}, False),
        (JAVA, {"X-Auth-Token": "x"}, False),
        ("application/json, text/html;q=0.5", {"X-Auth-Token": "x"}, False),
        ("application/json, text/html", {}, False),
        ("*/*", {}, False),
        ("", {}, False),
    ],
)
@pytest.mark.parametrize("path", ["/", "/identity/v3/projects"])
def test_who_gets_a_page(db: None, accept: str, headers: dict[str, str], page: bool, path: str) -> None:
    answer = Client(headers={"Accept": accept, **headers}).get(path)
    assert answer["Content-Type"].startswith("text/html" if page else "application/json")


def test_the_root_tells_the_versions(db: None) -> None:
    found = Client(headers={"Accept": "application/json"}).get("/").json()["versions"]
    assert {one["service_type"] for one in found} == {"identity", "compute", "image", "network"}
    for one in found:
        assert Client().get(one["links"][0]["href"]).status_code in (200, 300)


def test_a_host_name_that_is_not_allowed(db: None, caplog: pytest.LogCaptureFixture) -> None:
    answer = Client(headers={"Host": "evil.example"}).get("/compute/v2.1/servers")
    assert answer.status_code == 400 and answer["x-openstack-request-id"]
    assert answer.json()["badRequest"]["message"] == "Host evil.example is not in CELERITY_ALLOWED_HOSTS."
    assert len([record for record in caplog.records if "evil.example" in record.getMessage()]) == 1
    assert not any(record.exc_info for record in caplog.records)
    assert Client(headers={"Host": "evil.example"}).get("/healthz").status_code in (200, 503)
