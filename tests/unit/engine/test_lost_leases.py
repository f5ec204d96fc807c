"""A worker that lost its lease unlocks its subject, whatever its session does."""

import uuid

import pytest
from django.db import OperationalError

from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import claims, leases
from apps.workflow.services.claims import Claim
from tests.unit.engine.hosts import Cluster, start
from workers.engine import holding

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_session_that_cannot_unlock_is_closed(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement was cancelled, and the session is usable: it would keep the lock for ever."""
    run = start()
    claim = claims.claim(
        run_id=run.id,
        token=1,
        step="choose",
        subject_type="server",
        subject_id=run.subject_id,
        timeout_seconds=60,
        worker="w",
    )
    assert isinstance(claim, Claim)

    def refuse(*, subject_type: str, subject_id: uuid.UUID) -> None:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(leases, "unlock", refuse)
    holding.release_lock(claim)
    assert claims.lock_key("server", run.subject_id) not in run_selectors.held_locks()
