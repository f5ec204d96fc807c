"""The cloud's mode of offloads: recorded, changed by a command, and which guests must be restarted for it."""

import uuid
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.networking.exceptions import UnknownOffloads
from apps.networking.selectors import offloads as selector
from apps.networking.services import offloads
from apps.scheduling.models import Host
from workers import config
from workers.drivers.hypervisor.base import DomainInfo, PowerState
from workers.host import drivers as host_drivers
from workers.host import http
from workers.host.offloads import guests_to_restart

OLD, NEW, OFF = (str(uuid.uuid4()) for _ in range(3))


def drivers(*, tunnels: bool) -> Any:
    """Drivers of a host with a guest of each kind."""
    domains = (
        DomainInfo(OLD, "old", PowerState.RUNNING, offloads=True),
        DomainInfo(NEW, "new", PowerState.RUNNING),
        DomainInfo(OFF, "off", PowerState.SHUTDOWN),
    )
    hypervisor = SimpleNamespace(
        list_domains=lambda: domains, info=lambda key: next(domain for domain in domains if domain.id == key)
    )
    return SimpleNamespace(hypervisor=hypervisor, network=SimpleNamespace(tunnels_take_offloads=lambda: tunnels))


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("network_offloads", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.parametrize(
    ("mode", "tunnels", "names"),
    [("multi-host", False, ["old"]), ("multi-host", True, []), ("single-host", False, [])],
)
def test_guests_that_started_in_the_other_mode(mode: str, tunnels: bool, names: list[str]) -> None:
    assert [guest.name for guest in guests_to_restart(drivers(tunnels=tunnels), mode)] == names


@pytest.mark.django_db
def test_the_command_changes_the_mode_and_lists_guests(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STATE_DIR = tmp_path
    file = tmp_path / "celerity.env"
    file.write_text("CELERITY_NETDEV_OFFLOADS=single-host\nCELERITY_HOST=h1\n")
    monkeypatch.setattr(host_drivers, "make", lambda host: drivers(tunnels=False))
    monkeypatch.setattr(host_drivers, "host_names", lambda: ["h1"])
    assert run().strip() == selector.mode() == "single-host"
    assert f"{OLD} old" in run("multi-host").splitlines()
    assert run().strip() == selector.mode() == "multi-host"
    assert run("--guests").split() == [OLD, "old"]
    assert file.read_text().splitlines() == ["CELERITY_HOST=h1", "CELERITY_NETDEV_OFFLOADS=multi-host"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert OLD not in run("single-host")
    assert selector.mode() == "single-host"


@pytest.mark.django_db
def test_guests_of_other_hosts_are_listed_too(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STATE_DIR, settings.AGENT_LISTEN = tmp_path, "127.0.0.1:0"
    monkeypatch.setattr(host_drivers, "make", lambda host: drivers(tunnels=True))
    monkeypatch.setattr(host_drivers, "host_names", lambda: ["h1"])
    monkeypatch.setitem(config._hosts, "h2", drivers(tunnels=False))
    server, url = http.serve()
    for number, at in enumerate(("", url, "http://127.0.0.1:1"), 1):
        Host.objects.create(number=number, name=f"h{number}", hypervisor_type="QEMU", agent_url=at)
    try:
        lines = run("multi-host").splitlines()
    finally:
        server.shutdown()
        server.server_close()
    assert f"{OLD} old on h2" in lines
    assert [line.split(":")[0] for line in lines if line.startswith("h3")] == ["h3 does not answer"]


@pytest.mark.django_db
def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownOffloads):
        offloads.record(mode="on")
    offloads.record(mode="multi-host")
    for number in (1, 2):
        Host.objects.create(number=number, name=f"h{number}", hypervisor_type="QEMU")
    with pytest.raises(CommandError, match="2 hosts"):
        run("single-host")
    monkeypatch.setenv("CELERITY_ROLE", "host")
    with pytest.raises(CommandError, match="first machine"):
        run("multi-host")
    assert selector.mode() == "multi-host"
