"""Schedulers wait for hosts that fell silent together: the database or the power was away, not they."""

import math
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Ignore
from django.conf import LazySettings
from django.db import OperationalError
from django.utils import timezone

from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.models import Host
from tests.unit.scheduling.conftest import MakeHosts
from workers import listening
from workers.engine.errors import LeaseLost
from workers.periodic import schedule
from workers.tasks.hearing import among_heard
from workers.tasks.servers.destinations import ScheduleDestination
from workers.tasks.servers.schedule import Schedule
from workers.tasks.servers.unshelve import ScheduleUnshelve
from workers.tasks.volumes.migrate import ScheduleTarget
from workers.tasks.volumes.schedule import ScheduleVolume

pytestmark = pytest.mark.django_db


def heard(*, ago: float) -> None:
    Host.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=ago))


def choose(ctx: Any, calls: list[bool]) -> str:
    def one() -> str:
        calls.append(True)
        up = [host.name for host in Host.objects.order_by("number") if host.is_up and host.enabled]
        if not up:
            raise NoValidHost(reason="down")
        return up[0]

    return among_heard(ctx, one)


def context(wait: Callable[[], bool] = lambda: False) -> Any:
    return SimpleNamespace(stop=SimpleNamespace(wait=lambda seconds: wait()))


def test_heartbeats_that_come_a_moment_later(make_hosts: MakeHosts, settings: LazySettings) -> None:
    make_hosts(2)
    heard(ago=settings.HOST_DOWN_SECONDS + 30)
    calls: list[bool] = []
    assert choose(context(lambda: bool(heard(ago=0))), calls) == "h0"
    assert len(calls) == 2
    heard(ago=settings.HOST_DOWN_SECONDS + 30)
    with pytest.raises(LeaseLost):
        choose(context(lambda: True), [])


@pytest.mark.parametrize("case", ["silent for long", "one is up", "an operator's", "none"])
def test_hosts_that_are_not_waited_for(make_hosts: MakeHosts, settings: LazySettings, case: str) -> None:
    if case != "none":
        make_hosts(2, forced_down=case == "an operator's")
        heard(ago=settings.HOST_DOWN_SECONDS + (300 if case == "silent for long" else 30))
    if case == "one is up":
        Host.objects.filter(name="h0").update(heartbeat_at=timezone.now())

    def full() -> None:
        raise NoValidHost(reason="full")

    def waits() -> bool:
        raise AssertionError("It waits.")

    with pytest.raises(NoValidHost):
        among_heard(context(waits), full)


@pytest.mark.parametrize(("down", "longest"), [(0.1, 60.0), (20.0, 0.1)])
def test_hosts_that_stay_silent(
    make_hosts: MakeHosts, settings: LazySettings, monkeypatch: pytest.MonkeyPatch, down: float, longest: float
) -> None:
    """They are waited for as long as a silent host counts as up, and no longer than a step may take."""
    make_hosts(1)
    settings.HOST_DOWN_SECONDS = down
    monkeypatch.setattr(listening, "LONGEST_SECONDS", longest)
    heard(ago=down + 1)
    begun = time.monotonic()
    calls: list[bool] = []
    with pytest.raises(NoValidHost):
        choose(context(), calls)
    assert len(calls) == 2 and time.monotonic() - begun < 10


def test_steps_outlast_their_wait() -> None:
    steps = (Schedule, ScheduleUnshelve, ScheduleDestination, ScheduleVolume, ScheduleTarget)
    assert {step.timeout_seconds for step in steps} == {2 * listening.LONGEST_SECONDS}


def test_a_scheduler_that_has_just_begun(
    make_hosts: MakeHosts, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for hosts that were silent for long, too: the power was away. An operator's word holds all the same."""
    monkeypatch.setattr(listening, "_since", -math.inf)
    listening.begin()
    make_hosts(2)
    heard(ago=3600)
    calls: list[bool] = []
    assert choose(context(lambda: bool(heard(ago=0))), calls) == "h0"
    heard(ago=3600)
    Host.objects.update(forced_down=True)
    with pytest.raises(NoValidHost):
        choose(context(lambda: pytest.fail("It waits.")), [])
    Host.objects.update(forced_down=False)
    settings.HOST_DOWN_SECONDS = 0
    with pytest.raises(NoValidHost):
        choose(context(lambda: pytest.fail("It waits.")), [])


@pytest.mark.parametrize("away", [False, True])
def test_a_session_that_ends_alone(monkeypatch: pytest.MonkeyPatch, away: bool) -> None:
    """Only a database that does not answer has kept hosts from being heard."""

    def connect() -> None:
        if away:
            raise OperationalError

    def fail() -> None:
        raise OperationalError

    session = SimpleNamespace(is_usable=lambda: False, close=lambda: None, ensure_connection=connect)
    monkeypatch.setattr(schedule, "connection", session)
    monkeypatch.setattr(listening, "_since", -math.inf)
    app = Celery("test", set_as_current=False)
    schedule._task(app, name := f"periodic.test_{away}", fail)
    with pytest.raises(Ignore):
        app.tasks[name]()
    assert listening.is_new() is away
