"""Hosts that are lost while a step runs on another host: the run is reverted at once, if it still needs them."""

import json

import pytest

from tests.cloud import Cloud, wait_for
from tests.matrix.cells import HOSTS
from tests.matrix.moments import INSIDE, Moment, Moments
from tests.matrix.test_long_steps import boot, cloud, copying, move

__all__ = ["cloud"]
pytestmark = pytest.mark.processes
SOURCE, DESTINATION = HOSTS[0], HOSTS[1]
STATES = "SELECT state, error_cause, error_details FROM workflow_run WHERE subject_id = %s AND action = 'migrate'"
STEPS = (
    "SELECT s.name, s.result FROM workflow_step s JOIN workflow_run r ON r.id = s.run_id"
    " WHERE r.subject_id = %s AND r.action = 'migrate' ORDER BY s.id"
)


def domain(cloud: Cloud, host: str, key: str) -> str:
    """Return a guest's power state on a host, "" where it has no domain."""
    record = cloud.state / "simulated" / host / "domains" / f"{key}.json"
    return str(json.loads(record.read_text())["power_state"]) if record.exists() else ""


def test_the_source_is_lost_during_a_copy(cloud: Cloud) -> None:
    """The copy is stopped long before its end. The server is ACTIVE on its host again, whose recovery starts it."""
    [key] = boot(cloud, "left-alone")
    move(cloud, key)
    wait_for(lambda: copying(cloud), what="a copy under way")
    assert domain(cloud, SOURCE, key) == "shutdown"
    cloud.lose_hosts(SOURCE)
    try:
        server = cloud.settled(key, seconds=50)
    finally:
        cloud.start(f"agent:{SOURCE}")
    assert (server["status"], server["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", SOURCE)
    assert cloud.rows(STATES, key) == [("failed", "HostDown", f"host {SOURCE}")]
    assert ("copy", "lost") in cloud.rows(STEPS, key)
    wait_for(lambda: domain(cloud, SOURCE, key) == "running", what="the guest started again")
    wait_for(lambda: (cloud.server(key) or {})["OS-EXT-STS:power_state"] == 1, what="its power state known")
    assert cloud.settled(key)["status"] == "ACTIVE"
    assert not cloud.rows("SELECT found FROM workflow_finding WHERE subject = %s", key)


def test_the_destination_is_lost_during_steps_of_the_source(cloud: Cloud, moments: Moments) -> None:
    """A server that is still moving goes to another host before the running step ends; one that has moved stays."""
    cloud.plan()
    on_its_way, arrived = boot(cloud, "on-its-way", "arrived")
    held = [
        Moment("on-its-way", "server.migrate", "power_off", INSIDE),
        Moment("arrived", "server.migrate", "clear_source", INSIDE),
    ]
    for moment, key in zip(held, (on_its_way, arrived), strict=True):
        moments.arm(moment, subject_id=key)
    try:
        move(cloud, on_its_way, arrived)
        moments.wait(held)
        cloud.rows("UPDATE scheduling_host SET enabled = true")
        cloud.lose_hosts(DESTINATION)
        wait_for(lambda: cloud.rows(STATES, on_its_way)[0][0] == "reverting", what="the revert", seconds=50)
        assert ("power_off", "lost") in cloud.rows(STEPS, on_its_way)
        assert cloud.rows(STATES, arrived)[0][0] == "running"
        moments.release(held)
        moved, stayed = cloud.settled(on_its_way), cloud.settled(arrived)
    finally:
        moments.end()
        cloud.start(f"agent:{DESTINATION}")
    assert moved["status"] == "VERIFY_RESIZE" and moved["OS-EXT-SRV-ATTR:host"] in HOSTS[2:]
    assert (stayed["status"], stayed["OS-EXT-SRV-ATTR:host"]) == ("VERIFY_RESIZE", DESTINATION)
    assert cloud.rows(STATES, arrived)[0][0] == "succeeded"
    assert "revert" not in [name for name, _ in cloud.rows(STEPS, arrived)]
