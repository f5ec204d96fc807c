"""Guests deleted while their host counted them cost the host its heartbeat: four such beats, and boots were refused."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from apps.scheduling.models import Host
from workers.drivers.hypervisor.errors import HypervisorUnavailable
from workers.host.agent import Agent
from workers.host.counting import GuestCounts

libvirt = pytest.importorskip("libvirt")

from workers.drivers.hypervisor.libvirt import domains  # noqa: E402
from workers.drivers.hypervisor.libvirt.xml.metadata import NAMESPACE  # noqa: E402

HOME = "/home/of/this/cloud"
MARK = f'<server xmlns="{NAMESPACE}" home="{HOME}"/>'


def error(code: int) -> Any:
    made = libvirt.libvirtError("")
    made.err = (code, 10, "", 2, "", None, None, -1, -1)
    return made


class Domain:
    """A domain; asked for `vanishes_at`, it is gone with this error."""

    def __init__(self, name: str, *, vanishes_at: str = "", code: int = libvirt.VIR_ERR_NO_DOMAIN) -> None:
        self._name, self._vanishes_at, self._code = name, vanishes_at, code

    def _ask(self, question: str, answer: Any) -> Any:
        if question == self._vanishes_at:
            raise error(self._code)
        return answer

    def metadata(self, *_: object) -> str:
        return str(self._ask("metadata", MARK))

    def state(self) -> tuple[int, int]:
        return self._ask("state", (libvirt.VIR_DOMAIN_RUNNING, 0))  # type: ignore[no-any-return]

    def UUIDString(self) -> str:
        return self._name

    def name(self) -> str:
        return self._name


def look(domain: Any) -> str:
    return domains.read(domain, with_devices=False).id


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("metadata", libvirt.VIR_ERR_NO_DOMAIN),
        ("state", libvirt.VIR_ERR_NO_DOMAIN),
        ("state", libvirt.VIR_ERR_OPERATION_FAILED),
    ],
)
def test_a_walk_passes_over_what_vanished(question: str, code: int) -> None:
    listed = [Domain("a"), Domain("b", vanishes_at=question, code=code), Domain("c")]
    connection: Any = SimpleNamespace(listAllDomains=lambda: listed)
    assert domains.survey(connection, HOME, look) == ["a", "c"]


def test_a_walk_does_not_hide_a_broken_connection() -> None:
    listed = [Domain("a", vanishes_at="state", code=libvirt.VIR_ERR_INTERNAL_ERROR)]
    connection: Any = SimpleNamespace(listAllDomains=lambda: listed)
    with pytest.raises(libvirt.libvirtError):
        domains.survey(connection, HOME, look)


class Hypervisor:
    """Answers, or not; counting its guests fails."""

    def __init__(self, *, answers: bool) -> None:
        self._answers = answers

    def ping(self) -> None:
        if not self._answers:
            raise HypervisorUnavailable("The hypervisor cannot be reached.")

    def use(self) -> Any:
        raise HypervisorUnavailable("Domain not found")


@pytest.mark.django_db
@pytest.mark.parametrize("answers", [True, False])
def test_liveness_does_not_depend_on_counting(answers: bool) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Host.objects.create(name="h", number=1, zone="z", heartbeat_at=long_ago)
    agent = Agent.__new__(Agent)
    agent.hosts = [SimpleNamespace(host="h", hypervisor=Hypervisor(answers=answers))]  # type: ignore[list-item]
    agent._counts = GuestCounts(agent.hosts)
    agent._counts.refresh()
    agent._beat_once()
    assert (Host.objects.get().heartbeat_at > long_ago) is answers


def test_a_count_that_hangs_delays_no_beat(tmp_path: Path) -> None:
    """The heartbeat reads the last count; it never asks for one."""
    hypervisor = SimpleNamespace(use=lambda: SimpleNamespace(servers=2))
    counts = GuestCounts([SimpleNamespace(host="h", hypervisor=hypervisor)])  # type: ignore[list-item]
    counts.refresh()
    hypervisor.use = lambda: pytest.fail("the heartbeat counted guests")
    started = time.monotonic()
    assert counts.changed() == {"h": 2}
    counts.reported({"h": 2})
    assert counts.changed() == {}
    counts.forget_reported()
    assert counts.changed() == {"h": 2}
    assert time.monotonic() - started < 1
