"""The upgrade of a cloud of bridges: when it is pending, what it asks, and what it removes."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy import manage, secrets
from deploy.environment import DEFAULTS, Environment
from deploy.errors import DeployError
from deploy.ovn import former, startup

OLD = "CELERITY_HYPERVISOR=libvirt\n"


@pytest.mark.parametrize(
    ("stored", "pending"),
    [
        (OLD, True),
        (OLD + "CELERITY_NETWORK_DRIVER=linux\n", True),
        (OLD + "CELERITY_NETWORK_DRIVER=ovn\n", False),
        ("CELERITY_HYPERVISOR=simulated\n", False),
        (None, False),  # a new machine
    ],
)
def test_when_it_is_pending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: str | None, pending: bool) -> None:
    monkeypatch.setattr(former, "from_process", dict)
    monkeypatch.setattr(secrets, "from_process", dict)
    if stored is not None:
        (tmp_path / "celerity.env").write_text(stored)
        (tmp_path / "hosts").mkdir()
    former.note(tmp_path)
    assert (tmp_path / "ovn-upgrade").exists() is pending
    if pending:
        environment = secrets.ensure(tmp_path)
        former.note(tmp_path)
        assert former.is_pending(environment)
        former.finish(environment)
        former.note(tmp_path)
        assert not former.is_pending(environment)


def test_the_operator_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_arguments: object, **_more: object) -> str:
        raise DeployError("failed", details=said)

    said = f"web 1: 10.0.0.5\nCommandError: 1 {former.CLOSED}"
    environment = Environment(tmp_path, DEFAULTS)
    monkeypatch.delenv("CELERITY_GROUPS", raising=False)
    monkeypatch.setattr(manage, "run", closed)
    with pytest.raises(DeployError, match="enforced") as caught:
        former.require_choice(environment)
    assert caught.value.details == said
    assert "GROUPS=open" in caught.value.hint
    said = "ProgrammingError"  # the check itself failed: that is no question to the operator
    with pytest.raises(DeployError, match="failed") as caught:
        former.require_choice(environment)
    assert not caught.value.hint
    said = f"1 {former.CLOSED}"
    for choice in ("enforce", "open"):
        monkeypatch.setenv("CELERITY_GROUPS", choice)
        former.require_choice(environment)


def test_bridges_are_removed_when_guests_have_left_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    networks, devices = tmp_path / "hosts" / "h1" / "networks", tmp_path / "devices"
    (networks / "n1").mkdir(parents=True)
    (networks / "n1" / "network.json").write_text(json.dumps({"id": "n1", "bridge": "cly1"}))
    for directory in ("bridge", "brif/tap1"):
        (devices / "cly1" / directory).mkdir(parents=True)
    commands: list[tuple[str, ...]] = []

    def run(*command: str, **_more: object) -> SimpleNamespace:
        commands.append(command)
        elements = [{"set": {"elem": ["cly1", "of-another-cloud"]}}]
        return SimpleNamespace(returncode=0, stdout=json.dumps({"nftables": elements}))

    monkeypatch.setattr(former, "_DEVICES", devices)
    monkeypatch.setattr(former, "run", run)
    monkeypatch.setattr(former, "MOVE_SECONDS", 0)
    environment = Environment(tmp_path, DEFAULTS)
    with pytest.raises(DeployError, match="tap1 in cly1"):
        former.remove_bridges(environment)
    assert networks.exists() and commands == []
    (devices / "cly1" / "brif" / "tap1").rmdir()
    former.remove_bridges(environment)
    assert not networks.exists()
    assert commands[0] == ("ip", "link", "delete", "dev", "cly1")
    assert not [command for command in commands if "delete" in command and "table" in command]
    assert not former.has_bridges(environment)


def test_a_further_host_needs_the_first_one(tmp_path: Path) -> None:
    """Without its database, it would make up another cloud."""
    environment = Environment(tmp_path, {**DEFAULTS, "CELERITY_ROLE": "host", "CELERITY_HOST": "h2"})
    with pytest.raises(DeployError, match="CELERITY_SOUTHBOUND"):
        startup.prepare(environment)
    assert not (tmp_path / "ovn").exists()
