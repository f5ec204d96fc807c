"""Backup plans: written by the API, carried out by beat, thinned out; what goes wrong is a finding."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.common.context import RequestContext
from apps.quotas.services.limits import set_many
from apps.volumes import exceptions
from apps.volumes.models import Backup, BackupPlan
from apps.volumes.services import backup_plans
from apps.workflow.models import Finding
from apps.workflow.services import findings
from tests.api.compute.in_process import Worker
from tests.callers import Caller
from tests.unit.volumes.test_backends import worker
from tests.unit.volumes.test_migrations import made
from workers.periodic.reconcilers import backup_plans as reconciler

__all__ = ["worker"]
pytestmark = pytest.mark.django_db
CONTEXT = RequestContext(user_id="u", project_id="p")


def tick(worker: Worker) -> list[str]:
    """Let beat look, the agent work; return the open findings."""
    with findings.reporting(kinds=reconciler.KINDS) as report:
        reconciler.reconcile(report)
    worker.work()
    return list(Finding.objects.filter(resolved_at=None).values_list("found", flat=True))


def later(plan: BackupPlan, hours: float = 24) -> None:
    """Let time go by: everything is older."""
    back = timedelta(hours=hours)
    plan.refresh_from_db()
    BackupPlan.objects.filter(id=plan.id).update(next_at=plan.next_at - back)
    for row in Backup.objects.all():
        Backup.objects.filter(id=row.id).update(created_at=row.created_at - back, data_at=row.data_at - back)


def kept() -> list[bool]:
    """Return whether each backup that is there is a full one, oldest first."""
    rows = Backup.objects.filter(deleted_at=None, status="available").order_by("created_at")
    return [row.parent_id is None for row in rows]


def plan_of(**values: Any) -> BackupPlan:
    return backup_plans.create(context=CONTEXT, values={"name": "daily", "interval_hours": 24, "keep": 2, **values})


def test_rounds(worker: Worker) -> None:
    volume = made(worker)
    plan = plan_of(volume_id=volume.id, full_every=2)
    assert tick(worker) == [] and kept() == [True]
    assert tick(worker) == [] and kept() == [True]  # not its time
    full, changes = True, False
    for expected in ([full, changes], [full, changes, full], [full, changes], [full, changes, full]):
        later(plan)
        for _ in range(3):  # the next looks delete what is too much
            assert tick(worker) == []
        assert kept() == expected


def test_a_plan_that_the_quota_stops_is_thinned_out(worker: Worker) -> None:
    volume = made(worker)
    plan = plan_of(volume_id=volume.id, keep=3)
    for _ in range(3):
        tick(worker)
        later(plan)
    set_many(owner_id="p", values={"backups": 3}, force=True)
    with pytest.raises(exceptions.InvalidInput):
        backup_plans.update(plan=plan, values={"keep": 3})
    [text] = tick(worker)
    assert "keep and full_every together" in text
    backup_plans.update(plan=plan, values={"keep": 1})
    tick(worker)
    later(plan)
    assert tick(worker) == [] and len(kept()) == 2  # one is too much until the next look
    for values in ({"keep": 3}, {"keep": 1, "full_every": 3}):
        with pytest.raises(exceptions.InvalidInput):
            plan_of(**values)


def test_what_goes_wrong(worker: Worker) -> None:
    plan = plan_of(start_at=timezone.now() - timedelta(hours=50))
    made(worker)
    assert tick(worker) == ["the backup plan daily: 2 rounds were missed."]
    later(plan)
    worker.plan(
        {"op": "create_backup", "error": "abort", "when": "before", "times": 1, "message": "The store is full."}
    )
    tick(worker)
    [text] = tick(worker)
    assert text.endswith("The store is full.")
    later(plan)
    tick(worker)
    assert tick(worker) == [] and kept() == [True, True]
    backup_plans.update(plan=plan, values={"enabled": False})
    later(plan)
    tick(worker)
    assert len(kept()) == 2


def test_the_api(worker: Worker) -> None:
    alice, bob = (Caller("/volume/v3") for _ in range(2))
    body = {"name": "daily", "interval_hours": 24, "keep": 7}
    for bad in (
        {},
        {**body, "keep": 0},
        {**body, "interval_hours": "x"},
        {**body, "x": 1},
        {**body, "start_at": "soon"},
    ):
        assert alice.post("/backup_plans", {"backup_plan": bad}).status_code == 400, bad
    absent = {**body, "volume_id": "0" * 32}
    assert alice.post("/backup_plans", {"backup_plan": absent}).status_code == 404
    plan = alice.post("/backup_plans", {"backup_plan": body}).json()["backup_plan"]
    path = f"/backup_plans/{plan['id']}"
    assert (plan["keep"], plan["full_every"], plan["enabled"], plan["error"]) == (7, 1, True, None)
    assert bob.get(path).status_code == bob.delete(path).status_code == 404
    assert bob.get("/backup_plans").json() == {"backup_plans": []}
    changed = alice.put(path, {"backup_plan": {"keep": 3, "enabled": False}}).json()["backup_plan"]
    assert (changed["keep"], changed["enabled"]) == (3, False)
    assert [row["id"] for row in alice.get("/backup_plans").json()["backup_plans"]] == [plan["id"]]
    for _ in range(19):
        assert alice.post("/backup_plans", {"backup_plan": body}).status_code == 200
    assert alice.post("/backup_plans", {"backup_plan": body}).status_code == 413
    assert alice.delete(path).status_code in (202, 204) and alice.get(path).status_code == 404
