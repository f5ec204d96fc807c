"""Pruning deletes old rows in batches and keeps open, recent and needed ones."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.common import audit
from apps.common.models import AuditEvent
from apps.compute.models import Server
from apps.identity.services import sessions
from apps.workflow import states
from apps.workflow.models import Finding, Run, Step
from apps.workflow.services import findings
from workers.periodic import pruning

pytestmark = pytest.mark.django_db
OLD = timezone.now() - timedelta(days=100)


def server(*, deleted: bool) -> uuid.UUID:
    row = Server.objects.create(project_id="p", user_id="u", name="s", hostname="s", reservation_id="r-1")
    if deleted:
        Server.objects.filter(id=row.id).update(deleted_at=OLD)
    return row.id


def run(subject: uuid.UUID, *, days: float = 100, state: str = states.SUCCEEDED, kind: str = "server") -> uuid.UUID:
    then = timezone.now() - timedelta(days=days)
    row = Run.objects.create(
        pipeline="server.build", action="create", subject_type=kind, subject_id=subject, request_id="r", state=state,
        next_step="", queue="q", created_at=then, deadline_at=then,
    )  # fmt: skip
    Step.objects.create(run=row, name="schedule", queue="q", enqueued_at=then, started_at=then)
    return row.id


def test_runs_of_deleted_servers_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 3)
    gone = server(deleted=True)
    for _ in range(7):
        run(gone)
    stays = {run(gone, days=80), run(server(deleted=True), state=states.RUNNING)}
    assert pruning.prune()["runs"] == 7
    assert set(Run.objects.values_list("id", flat=True)) == stays
    assert Step.objects.count() == 2


def test_the_newest_runs_of_what_is_there_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 4)
    monkeypatch.setattr(pruning, "KEPT", 2)
    living, gadget = server(deleted=False), uuid.uuid4()
    for subject, kind in ((living, "server"), (gadget, "gadget")):
        keys = [run(subject, days=200 - index, kind=kind) for index in range(5)]
        assert pruning.old_runs() == 3
        assert set(Run.objects.filter(subject_id=subject).values_list("id", flat=True)) == set(keys[-2:])
    assert pruning.old_runs() == 0


def test_resolved_findings_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "BATCH", 2)
    for index in range(5):
        Finding.objects.create(kind="power", subject=str(index), found="x", resolved_at=OLD)
    Finding.objects.create(kind="power", subject="young", found="x", resolved_at=timezone.now())
    Finding.objects.create(kind="power", subject="open", found="x", first_seen_at=OLD, last_seen_at=OLD)
    assert pruning.prune()["findings"] == 5
    assert set(Finding.objects.values_list("subject", flat=True)) == {"young", "open"}


def test_audit_events_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PRUNE_BATCH", 2)
    for _ in range(6):
        audit.record("create", "server", "x")
    keys = sorted(AuditEvent.objects.values_list("id", flat=True))
    AuditEvent.objects.filter(id__in=keys[:5]).update(at=OLD)
    assert pruning.prune()["audit_events"] == 5
    assert list(AuditEvent.objects.values_list("id", flat=True)) == keys[5:]


def test_sessions_that_have_expired_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sign-in on a page makes one, and nothing removed them."""
    monkeypatch.setattr(sessions, "PRUNE_BATCH", 2)
    for number in range(5):
        Session.objects.create(session_key=f"old{number}", expire_date=timezone.now() - timedelta(seconds=1))
    Session.objects.create(session_key="living", expire_date=timezone.now() + timedelta(hours=1))
    assert pruning.prune()["sessions"] == 5
    assert [row.pk for row in Session.objects.all()] == ["living"]
