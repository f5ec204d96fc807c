"""PostgreSQL or an agent that is stopped, down or slow while the API runs: data or 503 in time, and it recovers."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
import requests

from tests.cloud import Cloud, wait_for
from tests.pipelines.conftest import STATEMENT_SECONDS

pytestmark = pytest.mark.processes

THREADS = 8  # the API's
# A hung statement is given up after its limit and the margin; a new session after connect_timeout (5 s).
LONGEST_SECONDS = STATEMENT_SECONDS + 15
READS = (
    "/compute/v2.1/servers/detail",
    "/compute/v2.1/servers/{server}",
    "/compute/v2.1/servers/{server}/os-interface",
    "/compute/v2.1/flavors/1",
    "/network/v2.0/ports",
    "/network/v2.0/networks/{network}",
    "/image/v2/images",
    "/image/v2/images/{image}",
    "/identity/v3/auth/projects",
)
# What a caller reads in a refusal, by service.
MESSAGES: dict[str, Callable[[Any], str]] = {
    "identity": lambda body: body["error"]["message"],
    "compute": lambda body: body["serviceUnavailable"]["message"],
    "image": lambda body: body["message"],
    "network": lambda body: body["NeutronError"]["message"],
}


@pytest.fixture(scope="module")
def server(shared_cloud: Cloud) -> Iterator[str]:
    shared_cloud.plan()
    key = shared_cloud.create("kept")
    assert shared_cloud.settled(key)["status"] == "ACTIVE"
    yield key
    shared_cloud.delete(key)
    shared_cloud.assert_clean()


@pytest.fixture
def cloud(shared_cloud: Cloud, server: str) -> Cloud:
    """The shared cloud with one server, which lives through all tests here."""
    return shared_cloud


@pytest.fixture
def paths(cloud: Cloud, server: str) -> list[str]:
    network = cloud.call("GET", "/network/v2.0/networks").json()["networks"][0]["id"]
    return [path.format(server=server, network=network, image=cloud.image()) for path in READS]


def ask(cloud: Cloud, method: str, path: str, body: Any = None) -> tuple[requests.Response, float]:
    """Call over a new connection; return the answer and how long it took."""
    headers = {"X-Auth-Token": cloud.token, "Accept": "application/json", "OpenStack-API-Version": "compute 2.96"}
    if path.startswith("/image/") and method == "PATCH":
        headers["Content-Type"] = "application/openstack-images-v2.1-json-patch"
    began = time.monotonic()
    answer = requests.request(method, cloud.url + path, json=body, headers=headers, timeout=60)
    return answer, time.monotonic() - began


def look(cloud: Cloud, paths: list[str]) -> list[tuple[str, requests.Response, float]]:
    """Ask for all paths at once, one call more than the API has threads."""
    asked = (paths * THREADS)[: THREADS + 1]
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = list(pool.map(lambda path: ask(cloud, "GET", path), asked))
    return [(path, *answer) for path, answer in zip(asked, answers, strict=True)]


def is_refused(path: str, answer: requests.Response) -> bool:
    """Say whether the answer is a 503 in the shape of the service, with a request id."""
    service = path.split("/")[1]
    assert answer.headers["x-openstack-request-id"].startswith("req-"), (path, answer.headers)
    return answer.status_code == 503 and bool(MESSAGES[service](answer.json()))


def size(answer: requests.Response) -> int:
    return len(answer.content)


@contextmanager
def stopped(cloud: Cloud) -> Iterator[None]:
    """Hold every process of PostgreSQL: sessions stay open, nobody answers."""
    master = psutil.Process(cloud.services.postgresql.pid())
    held = [master, *master.children(recursive=True)]
    for process in held:
        process.suspend()
    try:
        yield
    finally:
        for process in held:
            process.resume()


@contextmanager
def down(cloud: Cloud) -> Iterator[None]:
    cloud.services.postgresql.stop()
    try:
        yield
    finally:
        cloud.services.postgresql.start()


@pytest.mark.parametrize("fault", [stopped, down])
def test_reads_without_a_database(cloud: Cloud, paths: list[str], fault: Any) -> None:
    whole = {path: ask(cloud, "GET", path)[0] for path in paths}
    assert {answer.status_code for answer in whole.values()} == {200}
    with fault(cloud):
        answers = look(cloud, paths)
    for path, answer, seconds in answers:
        same = answer.status_code == 200 and size(answer) == size(whole[path])
        assert same or is_refused(path, answer), (path, answer.status_code, answer.text)
        assert seconds < 2 * LONGEST_SECONDS, (path, seconds)  # twice: one waits for a thread
    assert {answer.status_code for _, answer, _ in answers} & {503}
    wait_for(cloud.healthy, what="a healthy API")
    for path, answer, _ in look(cloud, paths):
        assert (answer.status_code, size(answer)) == (200, size(whole[path])), (path, answer.text)


def test_a_statement_that_waits_too_long_is_a_503_and_its_session_goes_on(cloud: Cloud, server: str) -> None:
    """Another session holds the rows; the API's statements are cancelled at their limit."""
    image = cloud.call("POST", "/image/v2/images", {"name": "held"}).json()["id"]
    network = cloud.call("POST", "/network/v2.0/networks", {"network": {"name": "held"}}).json()["network"]["id"]
    writes: list[tuple[str, str, Any]] = [
        ("PUT", f"/compute/v2.1/servers/{server}", {"server": {"description": "held"}}),
        ("PUT", f"/compute/v2.1/servers/{server}/metadata", {"metadata": {"held": "1"}}),
        ("POST", f"/compute/v2.1/servers/{server}/action", {"os-stop": None}),
        ("PATCH", f"/image/v2/images/{image}", [{"op": "replace", "path": "/name", "value": "held"}]),
        ("PUT", f"/network/v2.0/networks/{network}", {"network": {"name": "held"}}),
        ("DELETE", f"/network/v2.0/networks/{network}", None),
    ]
    tables = ("compute_server", "images_image", "networking_network")
    with (
        cloud.locked("; ".join(f"SELECT 1 FROM {table} FOR UPDATE" for table in tables)),
        ThreadPoolExecutor(len(writes)) as pool,
    ):
        answers = list(pool.map(lambda write: ask(cloud, *write), writes))
    for (method, path, _), (answer, seconds) in zip(writes, answers, strict=True):
        assert is_refused(path, answer), (method, path, answer.status_code, answer.text)
        assert "did not answer in time" in answer.text
        assert seconds < LONGEST_SECONDS
    sessions = cloud.rows("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%%'")
    assert sessions == [(0,)]
    shown = cloud.call("GET", f"/compute/v2.1/servers/{server}").json()["server"]
    assert (shown["status"], shown["metadata"], shown["description"]) == ("ACTIVE", {}, None)
    for path, answer, _ in look(cloud, [f"/compute/v2.1/servers/{server}", f"/image/v2/images/{image}"]):
        assert answer.status_code == 200, (path, answer.text)
    for method, path, body in (*writes[:2], *writes[3:]):
        assert ask(cloud, method, path, body)[0].status_code in (200, 204), path
    cloud.call("DELETE", f"/image/v2/images/{image}")


@pytest.mark.parametrize("fault", ["gone", "stopped"])
def test_the_console_without_its_agent(cloud: Cloud, server: str, fault: str) -> None:
    path, body = f"/compute/v2.1/servers/{server}/action", {"os-getConsoleOutput": {}}
    wait_for(lambda: ask(cloud, "POST", path, body)[0].status_code == 200, what="a console")
    if fault == "gone":
        cloud.kill("agent", restart=False)
    else:
        cloud.signal("agent", signal.SIGSTOP)
    try:
        answer, seconds = ask(cloud, "POST", path, body)
    finally:
        cloud.start("agent") if fault == "gone" else os.kill(cloud.pid("agent"), signal.SIGCONT)
    assert is_refused(path, answer), answer.text
    assert seconds < 10
    wait_for(lambda: ask(cloud, "POST", path, body)[0].status_code == 200, what="a console")
