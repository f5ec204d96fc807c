"""The sweeper and the reconcilers each run in one process of the cloud at a time."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Thread
from typing import Any

import pytest
from django.db import connection

from apps.workflow import locks
from workers.periodic import reconcile, sweeper

pytestmark = pytest.mark.django_db

EXCLUSIVE: list[tuple[Callable[[], AbstractContextManager[bool]], Any, str]] = [
    (locks.sweep, sweeper, "_sweep"),
    (locks.reconcile, reconcile, "_reconcile"),
]


def in_another_session(work: Callable[[], Any]) -> Any:
    """Return what ``work`` returns in a thread, which has its own database session."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(work())
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


@pytest.mark.parametrize(("lock", "module", "name"), EXCLUSIVE)
def test_one_process_works_and_others_return_at_once(
    monkeypatch: pytest.MonkeyPatch, lock: Callable[[], AbstractContextManager[bool]], module: Any, name: str
) -> None:
    monkeypatch.setattr(module, name, lambda: {"worked": 1})
    work = getattr(module, name.removeprefix("_"))
    with lock() as held:
        assert held
        assert in_another_session(work) == {}
    assert in_another_session(work) == {"worked": 1}


def test_a_failed_sweep_gives_its_lock_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(sweeper, "_sweep", fail)
    with pytest.raises(RuntimeError, match="broken"):
        sweeper.sweep()
    monkeypatch.setattr(sweeper, "_sweep", lambda: {"worked": 1})
    assert in_another_session(sweeper.sweep) == {"worked": 1}
