"""The numbers and charts of the start page: boots per minute, queues, host utilisation."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.common.templatetags.admin_words import seconds
from apps.operations.admin import chart
from apps.scheduling.models import Host, Inventory
from apps.scheduling.selectors import utilisation
from apps.workflow.models import Run
from apps.workflow.selectors import boots, queues

pytestmark = pytest.mark.django_db


def run(**values: Any) -> Run:
    now = timezone.now()
    shape = {"pipeline": "server.build", "action": "create", "subject_type": "server", "request_id": "r", "queue": "q"}
    return Run.objects.create(**{**shape, "subject_id": uuid.uuid4(), "deadline_at": now, "created_at": now, **values})


def ended(state: str, *, ago: float, took: float) -> None:
    end = timezone.now() - timedelta(seconds=ago)
    run(state=state, created_at=end - timedelta(seconds=took), finished_at=end)


def test_boots_by_the_minute() -> None:
    ended("succeeded", ago=600, took=2)
    ended("succeeded", ago=600, took=4)
    ended("failed", ago=600, took=60)
    ended("succeeded", ago=7200, took=1)  # longer ago than the hour
    run(pipeline="server.stop", state="succeeded", finished_at=timezone.now())
    minutes = boots.by_minute()
    assert len(minutes) == 60
    [busy] = [one for one in minutes if one.succeeded or one.failed]
    assert (busy.succeeded, busy.failed, round(busy.p95 or 0, 1)) == (2, 1, 3.9)


def test_the_chart_is_as_wide_as_the_hour_and_as_high_as_the_highest() -> None:
    ended("succeeded", ago=120, took=1)
    ended("failed", ago=120, took=1)
    drawn = chart.boots(boots.by_minute())
    assert len(drawn.bars) == 60 and drawn.bars[-1].x + drawn.bars[-1].width <= chart.WIDTH
    [bar] = [one for one in drawn.bars if one.good_height]
    assert (bar.good_height, bar.bad_height, bar.bad_y) == (chart.HEIGHT / 2, chart.HEIGHT / 2, 0)
    assert "1 booted and 1 failed" in drawn.summary
    assert chart.boots([]).bars == []


def test_queues_and_their_ages() -> None:
    now = timezone.now()
    run(queue="host.a", enqueued_at=now - timedelta(seconds=30))
    run(queue="host.a", enqueued_at=now, state="running", step_state="running")
    run(queue="host.a", enqueued_at=now - timedelta(hours=1), not_before=now + timedelta(hours=1))
    run(queue="host.b", state="succeeded", enqueued_at=now)
    [queue] = queues.busy()
    assert (queue.name, queue.waiting, queue.running, queue.delayed) == ("host.a", 1, 1, 1)
    assert 29 < queue.age_seconds < 60
    assert queues.busy(names=["host.b"]) == []


def test_hosts_that_need_a_look_come_first() -> None:
    now = timezone.now()
    for number, (name, used, extra) in enumerate(
        [("empty", 0, {}), ("full", 900, {}), ("off", 0, {"enabled": False}),
         ("gone", 0, {"heartbeat_at": now - timedelta(hours=1)})]
    ):  # fmt: skip
        host = Host.objects.create(name=name, number=number, hypervisor_type="QEMU", **extra)
        Inventory.objects.create(
            host=host, vcpus=2, vcpus_ratio=4.0, ram_mib=1100, ram_reserved=100, ram_used=used, disk_gib=0
        )
    found = utilisation.hosts()
    assert [(one.name, one.state) for one in found] == [
        ("gone", "down"), ("off", "disabled"), ("full", "up"), ("empty", "up"),
    ]  # fmt: skip
    ram = found[2].uses[1]
    assert (ram.used, ram.capacity, ram.percent, ram.level) == (900, 1000, 90, "high")
    assert found[2].uses[2].percent == 0  # a host without a disk
    totals = utilisation.totals()
    assert (totals.hosts, totals.disabled, totals.down, totals.uses[0].capacity) == (4, 1, 1, 32)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0384, "38 ms"), (0.9999, "1.00 s"), (1.42, "1.42 s"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (None, "")],
)
def test_durations(value: float | None, text: str) -> None:
    assert seconds(value) == text
