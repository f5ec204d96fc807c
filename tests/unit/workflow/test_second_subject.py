"""The engine with a subject that is no server: it runs under its own word, and is pruned."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog
from django.utils import timezone

from apps.common import dispatch
from apps.images.models import Image
from apps.workflow import catalogue, states
from apps.workflow.models import Run
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import claims
from tests import gadgets
from tests.gadgets import GADGET, gadget, start
from workers.engine import runner
from workers.engine.pipeline import Pipeline
from workers.engine.subjects import BACKUP, SERVER, SNAPSHOT, VOLUME
from workers.periodic import pruning

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    monkeypatch.setattr(dispatch, "send", lambda run: True)
    with gadgets.known() as known:
        yield known


def test_apps_know_the_subjects_of_all_pipelines() -> None:
    assert catalogue.subjects() == [BACKUP, SERVER, SNAPSHOT, VOLUME, GADGET]
    assert catalogue.subject("gadget") is GADGET and catalogue.subject("router") is None
    with pytest.raises(ValueError, match="two subjects have the name gadget"):
        catalogue.fill_subjects([SERVER, GADGET, gadgets.WITHOUT_PAGE])
    assert catalogue.subjects() == [BACKUP, SERVER, SNAPSHOT, VOLUME, GADGET]  # nothing was changed


def test_its_steps_run_under_its_lease_and_its_word_in_logs(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = gadget()
    run = start(key)
    message = {"run_id": str(run.id), "subject_id": str(key), "token": run.token, "host": "", "name": ""}
    step = pipeline.steps[0]
    seen: list[tuple[object, bool]] = []

    def execute(ctx: object) -> None:
        about = structlog.contextvars.get_contextvars()
        seen.append((about.get("gadget"), claims.lock_key("gadget", key) in run_selectors.held_locks()))
        assert "server" not in about

    monkeypatch.setattr(step, "execute", execute)
    runner.run_step(pipeline, step, message, None)
    assert seen == [(str(key), True)]
    assert Run.objects.get(id=run.id).state == states.SUCCEEDED


def test_its_old_runs_are_pruned(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a deleted gadget, all but the newest of one that is there: also where a server has the same ID."""
    monkeypatch.setattr(pruning, "KEPT", 1)
    there, deleted = gadget(), gadget()
    Image.objects.filter(id=deleted).update(deleted_at=timezone.now())

    def old(key: uuid.UUID, days: int, kind: str = "gadget") -> uuid.UUID:
        then = timezone.now() - timedelta(days=days)
        return start(key, state=states.SUCCEEDED, created_at=then, subject_type=kind).id

    for key in (there, deleted):
        old(key, 300)
    kept = old(there, 200)
    old(deleted, 200)
    old(there, 150, kind="server")
    assert pruning.old_runs() == 4
    assert [run.id for run in Run.objects.all()] == [kept]
