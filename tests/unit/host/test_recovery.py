"""A failing reconciler of a host does not stop the others."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.workflow.models import Finding
from apps.workflow.services import findings
from workers.host import boot, recovery
from workers.host.reconcilers import base, domains, images, ports, power
from workers.host.reconcilers.base import HostSnapshot
from workers.system.paths import HostPaths

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A host without anything on it, whose machine restarted."""
    found = SimpleNamespace(host="h1", paths=HostPaths(tmp_path))
    boot.forget(found.paths)
    monkeypatch.setattr(
        base,
        "take_snapshot",
        lambda drivers, report, restarted: HostSnapshot(drivers, report, restarted, {}, {}, frozenset(), {}, {}),
    )
    return found


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which reconcilers looked; none finds anything."""
    found: list[str] = []
    for one in (ports, power, domains, images):
        monkeypatch.setattr(one, "reconcile", lambda _, name=one.KIND: found.append(name))
    return found


def fail(_: HostSnapshot) -> None:
    raise ValueError("a record that cannot be read")


def test_one_that_fails_keeps_no_other_from_looking(
    drivers: Any, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its findings stay open, but the restart is handled once: a guest that powers itself off is not started again."""
    with findings.reporting(kinds=(domains.KIND, images.KIND), host="h1") as report:
        for kind in (domains.KIND, images.KIND):
            report.remains(kind, "x", found="differs")
    monkeypatch.setattr(domains, "reconcile", fail)
    recovery.recover(drivers)
    assert looked == [ports.KIND, power.KIND, images.KIND]
    assert list(Finding.objects.filter(resolved_at=None).values_list("kind", flat=True)) == [domains.KIND]
    assert not boot.restarted(drivers.paths)


def test_guests_wait_for_their_ports(drivers: Any, looked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "reconcile", fail)
    with pytest.raises(ValueError, match="cannot be read"):
        recovery.recover(drivers)
    assert looked == []
    assert boot.restarted(drivers.paths)
