"""Long steps: a queue and a bounded pool apart, messages that come again while they run, and a prompt stop."""

import time
from collections.abc import Iterator

import pytest

from apps.compute.actions import MIGRATE
from tests.cloud import Cloud, wait_for
from tests.matrix.cells import HOSTS
from tests.matrix.ways import perform

pytestmark = pytest.mark.processes
LONG = 60.0  # how long a copy takes that nobody stops
VISIBILITY = 2.0


@pytest.fixture
def cloud(matrix_cloud: Cloud) -> Iterator[Cloud]:
    matrix_cloud.plan(receive_server=LONG)
    yield matrix_cloud
    matrix_cloud.plan()
    matrix_cloud.rows("UPDATE scheduling_host SET enabled = true")
    matrix_cloud.delete_all()
    matrix_cloud.assert_clean()


def boot(cloud: Cloud, *names: str, host: str = HOSTS[0]) -> list[str]:
    """Boot servers on one host."""
    cloud.rows("UPDATE scheduling_host SET enabled = (name = %s)", host)
    keys = [cloud.create(name) for name in names]
    assert {cloud.settled(key)["status"] for key in keys} == {"ACTIVE"}
    return keys


def copying(cloud: Cloud) -> list[str]:
    """Return the servers whose disks are being copied."""
    running = "SELECT subject_id::text FROM workflow_run WHERE state = 'running' AND next_step = 'copy'"
    return [key for (key,) in cloud.rows(f"{running} AND step_state = 'running'")]


def move(cloud: Cloud, *keys: str, to: str = HOSTS[1]) -> None:
    cloud.rows("UPDATE scheduling_host SET enabled = (name = %s)", to)
    for key in keys:
        perform(cloud, key, MIGRATE)


def test_boots_do_not_wait_behind_long_steps(cloud: Cloud) -> None:
    """Three copies to one host, two at a time; a boot on that host does not wait for them."""
    busy = HOSTS[-1]
    keys = boot(cloud, "long-1", "long-2", "long-3")
    move(cloud, *keys, to=busy)
    queued = "SELECT queue FROM workflow_run WHERE state = 'running' AND next_step = 'copy' AND step_state = 'queued'"
    wait_for(lambda: len(copying(cloud)) == 2 and cloud.rows(queued), what="two copies under way and one waiting")
    assert cloud.rows(queued) == [(f"host.{busy}.long",)]
    assert cloud.server(boot(cloud, "beside", host=busy)[0])["OS-EXT-SRV-ATTR:host"] == busy  # type: ignore[index]
    assert len(copying(cloud)) == 2
    cloud.plan()  # the third copies in no time; the two that wait are stopped by the deletes
    for key in copying(cloud):
        cloud.delete(key)
    [left] = [key for key in keys if cloud.server(key)]
    server = cloud.settled(left)
    assert (server["status"], server["OS-EXT-SRV-ATTR:host"]) == ("VERIFY_RESIZE", busy)


def test_boots_do_not_wait_behind_big_downloads(cloud: Cloud) -> None:
    """More downloads than the host has threads, two at a time; a boot of a cached image does not wait."""
    busy = HOSTS[-1]
    boot(cloud, "caches", host=busy)
    cloud.plan(cache_image=8.0)
    keys = [cloud.create(name, imageRef=cloud.image(name)) for name in ("big-1", "big-2", "big-3", "big-4", "big-5")]
    at = "SELECT subject_id::text, step_state FROM workflow_run WHERE queue = %s AND next_step = 'fetch_image'"
    wait_for(lambda: len(cloud.rows(at, f"host.{busy}.long")) == len(keys), what="all downloads in the long queue")
    boot(cloud, "beside", host=busy)
    left = [state for _, state in cloud.rows(at, f"host.{busy}.long")]
    assert len(left) > 2 and left.count("running") == 2
    cloud.plan()
    assert {cloud.settled(key)["status"] for key in keys} == {"ACTIVE"}
    steps = "SELECT s.queue FROM workflow_step s JOIN workflow_run r ON r.id = s.run_id WHERE s.name = 'fetch_image'"
    assert {tuple(cloud.rows(f"{steps} AND r.subject_id = %s", key)) for key in keys} == {((f"host.{busy}.long",),)}


def test_a_cancelled_copy_stops_and_is_reverted(cloud: Cloud) -> None:
    [key] = boot(cloud, "cancelled")
    move(cloud, key)
    wait_for(lambda: copying(cloud), what="a copy under way")
    code = (
        "from apps.workflow.selectors import runs; from apps.workflow.services import cancellation;"
        f" run = runs.active_of(subject_type='server', subject_id='{key}');"
        " cancellation.cancel(run=run, message='Cancelled.')"
    )
    before, began = stops(cloud), time.monotonic()
    cloud.manage("shell", "-v", "0", "-c", code)
    wait_for(lambda: stops(cloud) > before, what="the stop seen", seconds=10)
    server = cloud.settled(key)
    assert time.monotonic() - began < 20 < LONG
    assert (server["status"], server["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", HOSTS[0])
    assert cloud.rows("SELECT state FROM workflow_run WHERE subject_id = %s AND action = 'migrate'", key) == [
        ("cancelled",)
    ]
    [(seconds,)] = cloud.rows(
        "SELECT extract(epoch FROM min(s.started_at) FILTER (WHERE s.name = 'revert')"
        "               - min(s.finished_at) FILTER (WHERE s.name = 'copy'))"
        " FROM workflow_step s JOIN workflow_run r ON r.id = s.run_id WHERE r.subject_id = %s",
        key,
    )
    assert float(seconds) < 5  # from the cancel to the lease that the copy gave back


def test_a_message_that_comes_again_during_its_step_is_dropped(cloud: Cloud) -> None:
    """The copy takes longer than the broker's visibility timeout."""
    cloud.plan(receive_server=4 * VISIBILITY + 6)
    [key] = boot(cloud, "redelivered")
    before = dropped(cloud)
    move(cloud, key)
    wait_for(lambda: copying(cloud), what="a copy under way")
    wait_for(lambda: dropped(cloud) > before, what="the duplicate dropped")
    assert copying(cloud) == [key]
    assert cloud.settled(key)["OS-EXT-SRV-ATTR:host"] == HOSTS[1]
    copies = "SELECT s.result FROM workflow_step s JOIN workflow_run r ON r.id = s.run_id WHERE r.subject_id = %s"
    assert cloud.rows(f"{copies} AND s.name = 'copy'", key) == [("success",)]


def stops(cloud: Cloud) -> int:
    """Return how many long steps the destination's agent had to stop."""
    return cloud.log(f"agent:{HOSTS[1]}").count("long step is stopped")


def dropped(cloud: Cloud) -> int:
    rows = cloud.rows("SELECT value FROM workflow_tally WHERE name = 'messages_dropped' AND label = 'busy'")
    return int(rows[0][0]) if rows else 0
