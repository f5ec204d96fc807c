"""Snapshots and backups of servers, and their passwords: the images that come of it, and what a failure leaves."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud import Cloud, wait_for

pytestmark = pytest.mark.processes


@pytest.fixture(autouse=True)
def images_gone(cloud: Cloud) -> Iterator[None]:
    yield
    for image in listed(cloud):
        cloud.call("DELETE", f"/image/v2/images/{image['id']}")


def listed(cloud: Cloud) -> list[dict[str, Any]]:
    """Return the images of servers, oldest first."""
    answer = cloud.call("GET", "/image/v2/images?image_location=snapshot&sort=created_at:asc")
    return list(answer.json()["images"])


def act(cloud: Cloud, key: str, action: str, **body: Any) -> Any:
    return cloud.call("POST", f"/compute/v2.1/servers/{key}/action", {action: body})


def snapshot(cloud: Cloud, key: str, name: str = "snapshot") -> str:
    answer = act(cloud, key, "createImage", name=name)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["image_id"])


def image(cloud: Cloud, key: str) -> dict[str, Any]:
    answer = cloud.call("GET", f"/image/v2/images/{key}")
    return dict(answer.json()) if answer.status_code == 200 else {}


def test_in_every_state(cloud: Cloud) -> None:
    """Running, paused, suspended and stopped, also locked: an active image, and the server as before."""
    key = cloud.create("subject")
    cloud.settled(key)
    for action, status in ((None, "ACTIVE"), ("pause", "PAUSED"), ("unpause", "ACTIVE"), ("suspend", "SUSPENDED"),
                           ("resume", "ACTIVE"), ("os-stop", "SHUTOFF")):  # fmt: skip
        if action:
            assert cloud.call("POST", f"/compute/v2.1/servers/{key}/action", {action: None}).status_code == 202
        assert cloud.settled(key)["status"] == status
        made = snapshot(cloud, key, status)
        assert cloud.settled(key)["status"] == status
        kept = image(cloud, made)
        assert (kept["status"], kept["name"], kept["disk_format"], kept["visibility"]) == (
            "active", status, "qcow2", "private",
        )  # fmt: skip
        assert kept["virtual_size"] == 1 << 30
    server = cloud.server(key) or {}
    wanted = {
        "image_type": "snapshot", "instance_uuid": key, "base_image_ref": server["image"]["id"], "min_disk": 1,
        "hw_qemu_guest_agent": "true", "owner_id": server["tenant_id"], "user_id": server["user_id"],
    }  # fmt: skip
    assert wanted.items() <= kept.items()
    booted = cloud.create("again", imageRef=made)
    assert cloud.settled(booted)["status"] == "ACTIVE"


def test_backups_rotate(cloud: Cloud) -> None:
    key = cloud.create("subject")
    cloud.settled(key)
    for number in range(4):
        body = {"name": f"b{number}", "backup_type": "daily", "rotation": 2, "metadata": {"by": "cron"}}
        assert act(cloud, key, "createBackup", **body).status_code == 202
        cloud.settled(key)
    assert act(cloud, key, "createBackup", name="w", backup_type="weekly", rotation=1).status_code == 202
    cloud.settled(key)
    assert [row["name"] for row in listed(cloud)] == ["b2", "b3", "w"]
    assert (listed(cloud)[0]["image_type"], listed(cloud)[0]["by"]) == ("backup", "cron")
    assert act(cloud, key, "createBackup", name="none", backup_type="daily", rotation=0).status_code == 202
    cloud.settled(key)
    assert [row["name"] for row in listed(cloud)] == ["w"]


@pytest.mark.parametrize("op", ["copy_disk", "snapshot_path"])
def test_a_failure_leaves_no_image(cloud: Cloud, op: str) -> None:
    key = cloud.create("subject")
    cloud.settled(key)
    cloud.plan({"op": op, "error": "abort", "message": "The disk is lazy.", "id": str(uuid.uuid4())})
    made = snapshot(cloud, key)
    assert cloud.settled(key)["status"] == "ACTIVE"
    assert image(cloud, made) == {}
    rows = cloud.rows(
        "SELECT state, error_message FROM workflow_run WHERE action = 'createImage' AND subject_id = %s", key
    )
    assert rows == [("failed", "The disk is lazy.")]


def test_another_attempt(cloud: Cloud) -> None:
    """The image waits for it."""
    key = cloud.create("subject")
    cloud.settled(key)
    cloud.plan({"op": "snapshot_path", "error": "retryable", "times": 1, "id": str(uuid.uuid4())})
    made = snapshot(cloud, key)
    assert cloud.settled(key)["status"] == "ACTIVE"
    assert image(cloud, made)["status"] == "active"


@pytest.mark.parametrize("what", ["image", "server", "reset"])
def test_it_is_given_up(cloud: Cloud, what: str) -> None:
    """The image is deleted, or its server, or an operator resets the server's state."""
    key = cloud.create("subject")
    cloud.settled(key)
    cloud.plan({"op": "copy_disk", "error": "hang", "when": "inside", "times": 1, "id": str(uuid.uuid4())})
    made = snapshot(cloud, key)
    running = "SELECT 1 FROM workflow_run WHERE subject_id = %s AND next_step = 'snapshot' AND step_state = 'running'"
    wait_for(lambda: cloud.rows(running, key), what="a running snapshot")
    assert image(cloud, made)["status"] == "queued"
    assert (cloud.server(key) or {})["OS-EXT-STS:task_state"] == "image_snapshot"
    assert act(cloud, key, "createImage", name="second").status_code == 409
    if what == "image":
        assert cloud.call("DELETE", f"/image/v2/images/{made}").status_code == 204
    elif what == "server":
        assert cloud.call("DELETE", f"/compute/v2.1/servers/{key}").status_code == 204
    else:
        body = {"os-resetState": {"state": "active"}}
        assert cloud.call("POST", f"/compute/v2.1/servers/{key}/action", body, admin=True).status_code == 202
    cloud.plan()
    wait_for(lambda: not cloud.open_runs(key), what="no open run")
    assert image(cloud, made) == {}
    if what != "server":
        assert cloud.settled(key)["status"] == "ACTIVE"
    cloud.assert_clean()


def test_a_password_is_changed(cloud: Cloud) -> None:
    key = cloud.create("subject")
    host = cloud.settled(key)["OS-EXT-SRV-ATTR:host"]
    assert act(cloud, key, "changePassword", adminPass="correct horse").status_code == 202
    cloud.settled(key)
    record = cloud.state / "simulated" / host / "domains" / f"{key}.json"
    assert '"passwords": 1' in record.read_text()
    assert cloud.rows("SELECT admin_password FROM compute_server WHERE id = %s", key) == [("",)]
    assert not cloud.rows("SELECT 1 FROM workflow_run WHERE params::text LIKE '%%horse%%'")
    record.write_text(record.read_text().replace('"agent": true', '"agent": false'))
    answer = act(cloud, key, "changePassword", adminPass="x")
    assert answer.status_code == 409 and "the agent in it does not answer" in answer.text
