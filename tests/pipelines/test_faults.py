"""Every step of a build fails, before, inside and after: the server is ACTIVE or ERROR without residue.

Killed processes are in tests/matrix."""

from typing import Any

import pytest

from tests.cloud import Cloud, wait_for

pytestmark = pytest.mark.processes

# The operation of a driver by which each step of server.build on the host can be made to fail.
OPERATIONS = {"allocate_network": "plug", "fetch_image": "cache_image", "disks": "create_root", "spawn": "spawn"}


# An image that a host has in its cache is not fetched: each of these tests boots another image.
def boot(cloud: Cloud, test: str) -> dict[str, Any]:
    return cloud.settled(cloud.create(imageRef=cloud.image(test)))


MOMENTS = ("before", "inside", "after")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", OPERATIONS)
def test_retryable_failure_goes_to_another_host(cloud: Cloud, step: str, moment: str) -> None:
    fault = {"op": OPERATIONS[step], "error": "retryable", "times": 1, "when": moment, "id": f"retry-{step}-{moment}"}
    cloud.plan(fault)
    server = boot(cloud, fault["id"])
    assert server["status"] == "ACTIVE"
    runs = cloud.rows(
        "SELECT attempt, cardinality(excluded_hosts), host, excluded_hosts FROM workflow_run WHERE subject_id = %s",
        server["id"],
    )
    [(attempt, excluded, host, others)] = runs
    assert (attempt, excluded) == (2, 1)
    assert host not in others


@pytest.mark.parametrize("step", OPERATIONS)
def test_abort_ends_in_error_with_the_cause(cloud: Cloud, step: str) -> None:
    message = f"No host can {step}."
    cloud.plan({"op": OPERATIONS[step], "error": "abort", "times": 1, "message": message, "id": f"abort-{step}"})
    server = boot(cloud, f"abort-{step}")
    assert server["status"] == "ERROR"
    assert message in server["fault"]["message"]
    cloud.plan()
    cloud.assert_clean()  # an erroneous server holds its quota and its row, and nothing else


def test_attempts_are_used_up(cloud: Cloud) -> None:
    cloud.plan({"op": "spawn", "error": "retryable", "message": "This host cannot."})
    server = cloud.settled(cloud.create())
    assert server["status"] == "ERROR"
    assert "This host cannot." in server["fault"]["message"]
    assert cloud.rows("SELECT attempt FROM workflow_run WHERE subject_id = %s", server["id"]) == [(3,)]


def test_a_failed_stop_leaves_the_server_running(cloud: Cloud) -> None:
    key = str(cloud.settled(cloud.create())["id"])
    cloud.plan({"op": "stop", "error": "abort", "times": 1, "message": "It will not stop.", "id": "stop-abort"})
    assert cloud.call("POST", f"/compute/v2.1/servers/{key}/action", {"os-stop": None}).status_code == 202
    assert cloud.settled(key)["status"] == "ACTIVE"
    runs = cloud.rows("SELECT state, error_message FROM workflow_run WHERE subject_id = %s AND action = 'stop'", key)
    assert runs == [("failed", "It will not stop.")]


def test_a_hung_step_is_taken_away_at_its_deadline(cloud: Cloud) -> None:
    """A step that never returns loses its lock; the build goes on elsewhere."""
    cloud.plan({"op": "spawn", "error": "hang", "times": 1, "id": "hang"})
    key = cloud.create()
    wait_for(
        lambda: cloud.rows(
            "SELECT 1 FROM workflow_run WHERE subject_id = %s AND next_step = 'spawn' AND step_state = 'running'", key
        ),
        what="a running spawn",
    )
    cloud.rows("UPDATE workflow_run SET step_deadline_at = now() WHERE subject_id = %s", key)
    # The host's own lock on the subject is still held by the hung thread: the revert touches rows, recovery the host.
    assert cloud.settled(key)["status"] == "ACTIVE"
    cloud.plan()
