"""A broker that is lost while a long step runs: the step goes on, and its message counts once. And a step's events."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from celery import Celery

from tests.cloud import Cloud, wait_for
from tests.matrix.cells import HOSTS
from tests.matrix.test_long_steps import boot, cloud, copying, move

__all__ = ["cloud"]
pytestmark = pytest.mark.processes
AGENT = f"agent:{HOSTS[1]}"
COPY_SECONDS = 5.0
LOST = "message came over a connection that was lost"


def copy(cloud: Cloud, name: str) -> str:
    """Return a server whose disks are being copied from the first host to the second one."""
    cloud.plan(receive_server=COPY_SECONDS)
    [key] = boot(cloud, name)
    move(cloud, key)
    wait_for(lambda: copying(cloud), what="a copy under way")
    return key


def copied(cloud: Cloud, key: str) -> bool:
    """Whether the copy has ended, by its row."""
    rows = cloud.rows(
        "SELECT s.result FROM workflow_step s JOIN workflow_run r ON r.id = s.run_id"
        " WHERE r.subject_id = %s AND s.name = 'copy'",
        key,
    )
    assert len(rows) == 1, rows
    return bool(rows[0][0])


def assert_moved(cloud: Cloud, key: str, host: str = HOSTS[1]) -> None:
    server = cloud.settled(key)
    assert (server["status"], server["OS-EXT-SRV-ATTR:host"]) == ("VERIFY_RESIZE", host)
    states = cloud.rows("SELECT DISTINCT state FROM workflow_run WHERE subject_id = %s", key)
    assert states == [("succeeded",)]


def test_the_broker_restarts_during_a_copy(cloud: Cloud) -> None:
    """The broker has lost the message. The copy ends normally, and the agent consumes again."""
    key = copy(cloud, "restarted")
    before = cloud.log(AGENT).count(LOST)
    cloud.services.redis.stop()
    cloud.services.redis.start()
    assert not copied(cloud, key)
    wait_for(lambda: copied(cloud, key), what="the copy's end")
    wait_for(lambda: cloud.log(AGENT).count(LOST) > before, what="the acknowledgement left out")
    assert_moved(cloud, key)
    cloud.plan()
    [again] = boot(cloud, "after")
    move(cloud, again)
    assert_moved(cloud, again)


@pytest.mark.heavy
def test_the_broker_is_away_when_a_copy_ends(cloud: Cloud) -> None:
    """The next link cannot be sent: the sweeper sends it."""
    key = copy(cloud, "alone")
    cloud.services.redis.stop()
    try:
        wait_for(lambda: copied(cloud, key), what="the copy's end")
    finally:
        cloud.services.redis.start()
    assert_moved(cloud, key)


@pytest.mark.heavy
def test_connections_are_cut_during_a_copy(cloud: Cloud) -> None:
    """The broker keeps the message and delivers it again while its step runs; it is dropped."""
    key = copy(cloud, "cut")
    broker: Any = redis.Redis.from_url(cloud.environment["CELERITY_BROKER_URL"], socket_timeout=10)
    for kind in ("normal", "pubsub"):
        broker.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
    assert not copied(cloud, key)
    wait_for(lambda: copied(cloud, key), what="the copy's end")
    assert_moved(cloud, key)


@contextmanager
def events_of(cloud: Cloud) -> Iterator[list[dict[str, Any]]]:
    """Collect the events that Flower reads."""
    seen: list[dict[str, Any]] = []
    app = Celery(broker=cloud.environment["CELERITY_BROKER_URL"], fixups=[], set_as_current=False)
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": seen.append})
        thread = threading.Thread(target=receiver.capture, kwargs={"wakeup": True}, daemon=True)
        thread.start()
        wait_for(lambda: seen, what="events of the workers")
        yield seen
        receiver.should_stop = True
        thread.join(timeout=10)


def test_long_steps_send_the_events_of_tasks(cloud: Cloud) -> None:
    """Flower shows a copy as it shows every other step, with its runtime."""
    cloud.plan(receive_server=1.0)
    [key] = boot(cloud, "shown")
    with events_of(cloud) as seen:
        move(cloud, key)
        assert_moved(cloud, key)
        [task] = {event["uuid"] for event in seen if event.get("name") == "server.migrate.copy"}
        wait_for(lambda: len([event for event in seen if event.get("uuid") == task]) == 3, what="three events")
        mine = [event for event in seen if event.get("uuid") == task]
    assert [event["type"] for event in mine] == ["task-received", "task-started", "task-succeeded"]
    assert str(key) in mine[0]["args"] and mine[2]["runtime"] >= 1.0
    assert {event["hostname"].partition("@")[0] for event in mine} == {f"host.{HOSTS[1]}"}
