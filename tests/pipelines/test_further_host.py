"""A further host: `make up` with CELERITY_ROLE=host starts an agent that joins the cloud, and `make down` ends it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy import secrets
from deploy.testrun import make_state
from tests.cloud import ROOT, Cloud, wait_for

pytestmark = [pytest.mark.processes]
HOST = "sim-009"


def run(module: str, state: Path) -> "subprocess.CompletedProcess[str]":
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CELERITY_")}
    return subprocess.run(
        [sys.executable, "-m", f"deploy.{module}"], env={**kept, "CELERITY_STATE_DIR": str(state)},
        cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def machine(shared_cloud: Cloud) -> Iterator[Path]:
    """The state directory of a second machine, with the settings that docs/operators.md names."""
    state = make_state()
    shared = {name: shared_cloud.environment[name] for name in secrets.SHARED if name != "CELERITY_HOST"}
    own = {"ROLE": "host", "HOST": "second", "HYPERVISOR": "simulated", "HOSTS": "9", "SERVED_HOSTS": HOST}
    lines = {**shared, **{f"CELERITY_{name}": value for name, value in own.items()}, "CELERITY_HEARTBEAT": "1"}
    secrets.write_private(state / "celerity.env", "".join(f"{name}={value}\n" for name, value in lines.items()))
    yield state
    run("down", state)
    shutil.rmtree(state, ignore_errors=True)
    services = shared_cloud.call("GET", f"/compute/v2.1/os-services?host={HOST}", admin=True).json()["services"]
    for service in services:
        shared_cloud.call("DELETE", f"/compute/v2.1/os-services/{service['id']}", admin=True)


def test_it_joins_and_leaves(shared_cloud: Cloud, machine: Path) -> None:
    before = shared_cloud.hosts_up()
    done = run("up", machine)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "second is up" in done.stdout
    wait_for(lambda: shared_cloud.hosts_up() == before + 1, what="the host of the second machine")
    status = run("status", machine)
    assert status.returncode == 0, status.stdout
    assert "Agent of second: answers" in status.stdout
    snapshot_is_sent(shared_cloud)
    settings = (machine / "celerity.env").read_text()
    assert "CELERITY_ADMIN_PASSWORD" not in settings
    assert {path.name for path in machine.iterdir()} <= {"celerity.env", "run", "log", "front", "owner", "simulated"}
    assert run("down", machine).returncode == 0
    assert not [p for p in psutil.process_iter(["environ"]) if _state_of(p) == str(machine)]


def snapshot_is_sent(cloud: Cloud) -> None:
    """The host does not have the image store: it sends a server's image through the front, to a signed address."""
    answer = cloud.post_server("there", admin=True, availability_zone=f"nova:{HOST}")
    key = answer.json()["server"]["id"]
    assert cloud.settled(key)["OS-EXT-SRV-ATTR:host"] == HOST
    path = f"/compute/v2.1/servers/{key}/action"
    image = cloud.call("POST", path, {"createImage": {"name": "sent"}}, admin=True).json()["image_id"]
    assert cloud.settled(key)["status"] == "ACTIVE"
    kept = cloud.call("GET", f"/image/v2/images/{image}", admin=True).json()
    assert (kept["status"], kept["virtual_size"]) == ("active", 1 << 30), kept
    for gone in (f"/image/v2/images/{image}", f"/compute/v2.1/servers/{key}"):
        assert cloud.call("DELETE", gone, admin=True).status_code == 204
    wait_for(lambda: cloud.server(key) is None, what="the server gone")


def _state_of(process: psutil.Process) -> str:
    return str((process.info["environ"] or {}).get("CELERITY_STATE_DIR", ""))
