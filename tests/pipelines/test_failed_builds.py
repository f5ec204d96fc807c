"""A host whose builds fail is counted, avoided, and forgiven by a success."""

from collections.abc import Iterator

import pytest

from tests.cloud import Cloud

pytestmark = pytest.mark.processes


@pytest.fixture(autouse=True)
def _all_hosts_are_good(cloud: Cloud) -> Iterator[None]:
    yield
    cloud.rows("UPDATE scheduling_host SET enabled = true, failed_builds = 0")


def failed(cloud: Cloud) -> dict[str, int]:
    return dict(cloud.rows("SELECT name, failed_builds FROM scheduling_host"))


def test_a_host_that_fails_is_avoided_until_it_succeeds(cloud: Cloud) -> None:
    cloud.plan({"op": "spawn", "error": "retryable", "times": 1, "id": "once"})
    server = cloud.settled(cloud.create())
    assert server["status"] == "ACTIVE"
    [(excluded, explanation)] = cloud.rows(
        "SELECT excluded_hosts, explanation FROM workflow_run WHERE subject_id = %s", server["id"]
    )
    [bad] = excluded
    assert failed(cloud)[bad] == 1
    assert bad not in [one["host"] for one in explanation["candidates"]]
    others = [cloud.settled(cloud.create()) for _ in range(3)]
    assert bad not in {one["OS-EXT-SRV-ATTR:host"] for one in others}
    cloud.rows("UPDATE scheduling_host SET enabled = name = %s", bad)
    last = cloud.settled(cloud.create())
    assert (last["status"], last["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", bad)
    assert not any(failed(cloud).values())


def test_an_abort_is_no_fault_of_the_host(cloud: Cloud) -> None:
    cloud.plan({"op": "spawn", "error": "abort", "times": 1, "id": "abort"})
    assert cloud.settled(cloud.create())["status"] == "ERROR"
    assert not any(failed(cloud).values())
