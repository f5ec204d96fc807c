"""Events for Flower: failed steps with their cause, an end for dropped messages, none of periodic tasks."""

from typing import Any

import pytest
from celery.exceptions import Ignore

from cloud.celery import app
from workers.engine.runner import Stale, StepFailed
from workers.periodic.timetable import TABLE
from workers.pipelines import registry

pytestmark = pytest.mark.django_db


class Task:
    """Keeps the events that a task sends."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send_event(self, kind: str, **fields: Any) -> None:
        self.sent.append(kind)


def test_a_failed_step_is_a_failed_task_with_its_cause() -> None:
    def work() -> None:
        raise StepFailed("not_enough_space: The disk is full.")

    task = Task()
    with pytest.raises(StepFailed, match="not_enough_space: The disk is full"):
        registry.guarded(task, work)
    assert task.sent == []  # Celery reports it
    assert StepFailed in app.tasks["server.build.spawn"].throws  # without a traceback in the log


def test_a_dropped_message_ends() -> None:
    def work() -> None:
        raise Stale

    task = Task()
    with pytest.raises(Ignore):
        registry.guarded(task, work)
    assert task.sent == ["task-revoked"]


def test_periodic_tasks_send_nothing() -> None:
    assert [name for name in TABLE if app.tasks[name].send_events] == []
    assert app.tasks["server.build.spawn"].send_events


def test_the_message_has_the_name_to_search_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Run:
        id, subject_id, token, host, queue = "run", "subject", 1, "", "scheduler"
        pipeline, next_step, subject_name = "server.build", "schedule", "web-1"
        hosts: dict[str, str] = {}
        also: tuple[str, ...] = ()

    monkeypatch.setattr(app.tasks["server.build.schedule"], "apply_async", lambda args, **more: sent.append(args[0]))
    registry.send(app, Run())
    assert sent[0]["name"] == "web-1"
