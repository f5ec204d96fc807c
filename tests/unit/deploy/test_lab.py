"""A lab's plan, and the settings that its hosts get."""

import os
from pathlib import Path

import pytest

from deploy import secrets
from deploy.checks import lab as check
from deploy.checks.finding import Level
from deploy.environment import DEFAULTS, Environment, read_file
from deploy.errors import DeployError
from deploy.lab import joining, machines, plan
from deploy.ovn import settings


@pytest.fixture
def three(tmp_path: Path) -> plan.Plan:
    made = plan.make(tmp_path / "lab", 3)
    plan.note(made)
    for host in made.hosts:
        host.state.mkdir()
    secrets.write_private(made.first.file, "".join(f"{key}={value}\n" for key, value in secrets.generate().items()))
    return made


def test_addresses_and_places(three: plan.Plan) -> None:
    assert [(host.name, str(host.management), str(host.tunnels.ip)) for host in three.hosts] == [
        ("compute-1", "198.18.240.1/24", "198.18.241.1"),
        ("compute-2", "198.18.240.2/24", "198.18.241.2"),
        ("compute-3", "198.18.240.3/24", "198.18.241.3"),
    ]
    assert three.url == "http://198.18.240.1:8000"
    assert plan.present(three.directory) == three
    assert plan.present(three.directory / "elsewhere") is None
    assert three.namespace != plan.make(plan.SYSTEM_DIRECTORY, 3).namespace == "celerity-lab"


@pytest.mark.parametrize(
    ("count", "range_"), [(1, plan.RANGE), (21, plan.RANGE), (3, "198.18.240.0/23"), (3, "198.18.240.1/22"), (3, "x")]
)
def test_refused(tmp_path: Path, count: int, range_: str) -> None:
    with pytest.raises(DeployError):
        plan.make(tmp_path, count, range_)


def test_settings_are_those_of_a_further_machine(three: plan.Plan) -> None:
    first, second = three.hosts[:2]
    for host in (first, second):
        joining.write_settings(three, host, CELERITY_HEARTBEAT="1")
    stored, shared = read_file(second.file), read_file(first.file)
    secrets.require_shared(stored, second.file)
    assert stored["CELERITY_ROLE"] == "host" and stored["CELERITY_HEARTBEAT"] == "1"
    assert stored["CELERITY_SECRET_KEY"] == shared["CELERITY_SECRET_KEY"]
    assert "@198.18.240.1:15432/" in stored["CELERITY_DATABASE_URL"]
    assert "@127.0.0.1:15432/" in shared["CELERITY_DATABASE_URL"]
    assert "CELERITY_ADMIN_PASSWORD" in shared and "CELERITY_ADMIN_PASSWORD" not in stored
    wanted = [settings.read(Environment(host.state, {**DEFAULTS, **read_file(host.file)})) for host in (first, second)]
    assert (wanted[0].southbound, wanted[1].remote) == (("198.18.240.1", 6642), "ssl:198.18.240.1:6642")
    assert {item.external_bridge for item in wanted} == {None} and wanted[1].tunnel_address == "198.18.241.2"
    before = first.file.read_text()
    joining.write_settings(three, first, CELERITY_HEARTBEAT="1")
    assert first.file.read_text() == before  # passwords stay


def test_nothing_of_this_machines_cloud_reaches_a_host(three: plan.Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERITY_HOSTS", "3")
    monkeypatch.setenv("OS_CLOUD", "other")
    given = machines.variables(three.first)
    assert given["CELERITY_STATE_DIR"] == str(three.first.state)
    assert not [name for name in given if name.startswith(("CELERITY_", "OS_")) and name != "CELERITY_STATE_DIR"]


def test_a_host_that_is_off(three: plan.Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    host = three.first
    host.root.mkdir(parents=True)
    assert not machines.is_on(host)
    host.pid_file.write_text(f"{os.getpid()}\n")  # used again, by another process
    assert not machines.is_on(host)
    with pytest.raises(DeployError, match="compute-1 is off"):
        machines.command(host, ["true"])
    machines.switch_off(host)
    environment = Environment(three.directory / "other", DEFAULTS)
    monkeypatch.setenv("CELERITY_LAB_DIR", str(three.directory))
    assert check.check(environment).level is Level.FAIL
    assert check.check(Environment(host.state, DEFAULTS)).level is Level.OK
    monkeypatch.setenv("CELERITY_LAB_DIR", str(three.directory / "none"))
    monkeypatch.setattr(plan, "own_devices", lambda: ["lab-external"])
    assert "make lab-down" in check.check(environment).advice
    monkeypatch.setattr(plan, "own_devices", list)
    assert check.check(environment).level is Level.OK
