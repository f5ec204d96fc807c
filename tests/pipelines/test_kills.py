"""Kills that tests/matrix does not have: the broker under load, the API, all hosts."""

import os
import queue
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.cloud import Cloud, wait_for

pytestmark = pytest.mark.processes


def test_redis_restarts(cloud: Cloud) -> None:
    cloud.plan(spawn=0.2)
    keys = [cloud.create(f"restart-{index}") for index in range(4)]
    cloud.services.redis.stop()
    keys.append(cloud.create("while-down"))  # accepted all the same: the row is what counts
    cloud.services.redis.start()
    assert {cloud.settled(key)["status"] for key in keys} == {"ACTIVE"}


def test_api_dies_while_it_accepts(cloud: Cloud) -> None:
    """Requests that were answered with 202 are built. Others may or may not be, but none hangs."""
    accepted: list[str] = []

    def post() -> None:
        try:
            response = cloud.post_server("api")
        except requests.RequestException:
            return
        if response.status_code == 202:
            accepted.append(response.json()["server"]["id"])

    threads = [threading.Thread(target=post) for _ in range(6)]
    cloud.image()
    for thread in threads:
        thread.start()
    cloud.kill("api")
    for thread in threads:
        thread.join()
    wait_for(cloud.healthy, what="a healthy API")
    assert {cloud.settled(key)["status"] for key in accepted} <= {"ACTIVE"}


CLIENTS, POSTS = 8, 40
BOUND_SECONDS = 0.3
BUSY_SECONDS = 0.15  # more than with the broker alive, where the machine itself is slow


def post_at_once(cloud: Cloud, name: str) -> tuple[list[str], float]:
    """Ask for POSTS servers from CLIENTS clients at once. Return the ids and the 95th percentile of the seconds."""
    body = {"name": name, "imageRef": cloud.image(), "flavorRef": "1", "networks": "none"}
    headers = {"X-Auth-Token": cloud.token, "OpenStack-API-Version": "compute 2.96"}
    sessions = queue.SimpleQueue[requests.Session]()
    for _ in range(CLIENTS):
        sessions.put(requests.Session())

    def post(_: int) -> tuple[str, float]:
        session = sessions.get()
        began = time.monotonic()
        url = f"{cloud.url}/compute/v2.1/servers"
        answer = session.post(url, json={"server": body}, headers=headers, timeout=60)
        took = time.monotonic() - began
        sessions.put(session)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["server"]["id"]), took

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(post, range(POSTS)))
    return [key for key, _ in answers], statistics.quantiles([took for _, took in answers], n=20)[-1]


@pytest.fixture
def room(cloud: Cloud) -> Iterator[None]:
    """Quota for all the servers that the test asks for."""
    project = cloud.call("GET", "/identity/v3/auth/tokens", headers={"X-Subject-Token": cloud.token}).json()
    path = f"/compute/v2.1/os-quota-sets/{project['token']['project']['id']}"
    values = {"instances": 3 * POSTS, "cores": 3 * POSTS, "ram": -1}
    assert cloud.call("PUT", path, {"quota_set": values}, admin=True).status_code == 200
    yield
    cloud.delete_all()
    assert cloud.call("DELETE", path, admin=True).status_code == 202


@pytest.mark.usefixtures("room")
def test_a_suspended_broker_is_not_waited_for(cloud: Cloud) -> None:
    """Servers that were accepted meanwhile are built once the broker is back: the sweeper sends their runs."""
    alive, usual = post_at_once(cloud, "alive")
    wait_for(lambda: not cloud.open_runs(), what="the servers built")
    broker = cloud.services.redis.pid()
    assert broker is not None
    os.kill(broker, signal.SIGSTOP)
    try:
        held, suspended = post_at_once(cloud, "held")
        assert len(cloud.call("GET", "/compute/v2.1/servers/detail").json()["servers"]) == len(alive) + len(held)
        assert cloud.sign_in("demo")
        assert requests.get(f"{cloud.url}/healthz", timeout=30).json()["broker"] != "ok"
    finally:
        os.kill(broker, signal.SIGCONT)
    assert suspended < max(BOUND_SECONDS, usual + BUSY_SECONDS), (usual, suspended)
    assert {cloud.settled(key)["status"] for key in [*alive, *held]} == {"ACTIVE"}


def test_agent_is_gone_for_good_during_builds(cloud: Cloud) -> None:
    """All simulated hosts share one agent: with it gone there is no other host, and the builds say so."""
    cloud.plan(spawn=1.0)
    keys = [cloud.create(f"gone-{index}") for index in range(3)]
    wait_for(
        lambda: cloud.rows("SELECT 1 FROM workflow_run WHERE host <> '' AND state = 'running'"), what="builds on hosts"
    )
    cloud.lose_hosts()
    settled = [cloud.settled(key) for key in keys]
    assert {server["status"] for server in settled} == {"ERROR"}
    assert all("No valid host" in server["fault"]["message"] for server in settled)
    cloud.delete(keys[0])  # rows only: its host is out of reach
    cloud.plan()
    cloud.start("agent")
    wait_for(lambda: builds(cloud, "after"), what="a build after the return")


def test_the_whole_cloud_was_away(cloud: Cloud) -> None:
    """After a power cut schedulers look before any host is heard: builds are continued, and find their hosts."""
    cloud.plan(spawn=30.0)
    begun = [cloud.create(f"begun-{index}") for index in range(2)]
    spawning = "SELECT count(*) FROM workflow_run WHERE next_step = 'spawn' AND step_state = 'running'"
    wait_for(lambda: cloud.rows(spawning) == [(2,)], what="guests being built")
    for name in ("agent", "scheduler", "beat"):
        cloud.kill(name, restart=False)
    accepted = cloud.create("accepted")
    cloud.rows("UPDATE scheduling_host SET heartbeat_at = now() - interval '1 hour'")
    cloud.plan()
    before = len(cloud.log("scheduler"))
    for name in ("beat", "scheduler"):
        cloud.start(name)
    wait_for(lambda: "swept" in cloud.log("scheduler")[before:], what="a look at the runs")
    cloud.start("agent")
    assert {cloud.settled(key)["status"] for key in (*begun, accepted)} == {"ACTIVE"}
    assert not cloud.rows("SELECT 1 FROM workflow_run WHERE attempt > 1 AND subject_id::text = ANY(%s)", begun)


def builds(cloud: Cloud, name: str) -> bool:
    """Return whether a server can be built now. A failed one is deleted, because it counts against the quota."""
    server = cloud.settled(cloud.create(name))
    if server["status"] != "ACTIVE":
        cloud.delete(server["id"])
    return bool(server["status"] == "ACTIVE")


def test_delete_in_the_middle_of_a_build(cloud: Cloud) -> None:
    cloud.plan(spawn=0.5)
    for index in range(3):
        key = cloud.create(f"delete-{index}")
        wait_for(
            lambda key=key, index=index: cloud.rows(
                "SELECT 1 FROM workflow_run WHERE subject_id = %s AND next_step = %s",
                key, ("allocate_network", "fetch_image", "spawn")[index],
            ) or not cloud.open_runs(key),
            what="the build under way",
        )  # fmt: skip
        cloud.delete(key)


def test_a_message_that_comes_twice_does_nothing(cloud: Cloud) -> None:
    """The chain is sent a second time, as it was: stale and doubled messages are dropped."""
    key = str(cloud.settled(cloud.create())["id"])
    [(run,)] = cloud.rows("SELECT id::text FROM workflow_run WHERE subject_id = %s", key)
    [(steps,)] = cloud.rows("SELECT count(*) FROM workflow_step WHERE run_id = %s", run)
    message = {"run_id": run, "subject_id": key, "token": 1, "host": ""}
    code = f"from cloud.celery import app; app.send_task('server.build.schedule', args=[{message!r}])"
    cloud.manage("shell", "-v", "0", "-c", code)
    wait_for(lambda: "message dropped" in cloud.log("scheduler"), what="the message dropped")
    assert cloud.rows("SELECT count(*) FROM workflow_step WHERE run_id = %s", run) == [(steps,)]
    assert cloud.rows("SELECT value FROM workflow_tally WHERE name = 'messages_dropped' AND label = 'stale'")[0][0] > 0
    assert cloud.settled(key)["status"] == "ACTIVE"
