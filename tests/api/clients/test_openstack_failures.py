"""Members read why a server failed and what to do, but no host names."""

from collections.abc import Iterator

import pytest

from tests.api.clients.commands import Commands
from tests.cloud import Cloud, wait_for

CREATE = "server create --image tiny --flavor m1.tiny --network shared"


@pytest.fixture(autouse=True)
def _healthy_again(cloud: Cloud) -> Iterator[None]:
    yield
    cloud.plan()
    cloud.rows("UPDATE scheduling_host SET enabled = true, disabled_reason = ''")


def told(run: Commands) -> tuple[str, str]:
    """Return what the server's fault and its event say."""
    key = run.json(f"{CREATE} vm1")["id"]
    wait_for(lambda: run.json(f"server show {key}")["status"] == "ERROR", what="an erroneous server")
    fault = run.json(f"server show {key}")["fault"]
    assert set(fault) == {"code", "created", "message"}
    [entry] = run.json(f"server event list --long {key}")
    event = run.json(f"server event show {key} {entry['Request ID']}")
    for text in (fault["message"], event["message"], str(event["events"])):
        assert "sim-0" not in text
    run(f"server delete --wait {key}")
    return fault["message"], event["message"]


def test_no_host(cloud: Cloud, run: Commands) -> None:
    cloud.rows("UPDATE scheduling_host SET enabled = false, disabled_reason = 'repair'")
    fault, event = told(run)
    assert fault.startswith("No valid host was found. 3 hosts checked: 3 down or disabled.")
    assert event == fault


def test_hosts_that_cannot(cloud: Cloud, run: Commands) -> None:
    cloud.plan({"op": "spawn", "error": "retryable", "message": "The host could not start the server."})
    fault, event = told(run)
    assert fault.startswith("The host could not start the server. Delete the server and create it again; if it fails")
    assert event == fault


def test_what_nobody_foresaw(cloud: Cloud, run: Commands) -> None:
    cloud.plan({"op": "spawn", "error": "abort", "message": "No host can do this"})
    fault, event = told(run)
    assert fault.startswith("No host can do this. Delete the server and create it again;")
    assert event == fault
