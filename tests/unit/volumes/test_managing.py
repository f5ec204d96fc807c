"""Volumes and snapshots are released, listed, and taken over again: simulated, with runs and answers of the API."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.common.exceptions import Unavailable
from apps.scheduling.models import Allocation, Host
from apps.scheduling.services import agents
from apps.volumes import exceptions
from apps.volumes.models import Snapshot, Volume, VolumeType
from apps.volumes.services import managing, snapshots, volume_retype
from apps.workflow.models import Run
from tests.api.compute.in_process import HOST, Worker
from tests.unit.volumes.test_backends import CONTEXT, begin, worker
from tests.unit.volumes.test_migrations import agent, is_settled, look, made
from workers.consistency import check
from workers.drivers.volume import loader as drivers
from workers.drivers.volume.base import VolumeSpec
from workers.drivers.volume.errors import NotUnmanaged

__all__ = ["agent", "begin", "worker"]
pytestmark = pytest.mark.django_db
PLACE = f"{HOST}@local#local"


def listed(*, snapshots: bool = False) -> list[tuple[str, int, bool]]:
    backend = managing.backend_of(PLACE)
    rows = managing.snapshots_of(backend) if snapshots else managing.volumes_of(backend)
    return [(row.reference, row.size, row.managed_by is None) for row in rows]


def test_volumes(worker: Worker) -> None:
    volume = made(worker)
    name = f"volume-{volume.id}"
    assert listed() == [(name, 2, False)]
    managing.unmanage(context=CONTEXT, volume=volume)
    assert worker.work()[-1] == "succeeded"
    volume.refresh_from_db()
    assert volume.deleted_at and listed() == [(name, 2, True)]
    assert not [item for item in (*check.of_rows(), *check.of_host(worker.drivers)) if item.kind != "quota"]
    again = managing.manage(
        context=CONTEXT, host=PLACE, reference={"source-name": name}, values={"name": "mine", "bootable": True}
    )
    assert worker.work()[-1] == "succeeded"
    again.refresh_from_db()
    assert (again.status, again.size, again.host, again.name, again.bootable) == ("available", 2, HOST, "mine", True)
    assert listed() == [(f"volume-{again.id}", 2, False)] and is_settled(worker)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failure(worker: Worker, when: str) -> None:
    """Nothing is lost: a volume stays, and what a pool has stays in it."""
    volume = made(worker)
    worker.plan({"op": "release_volume", "error": "abort", "when": when, "times": 1, "message": "No."})
    managing.unmanage(context=CONTEXT, volume=volume)
    assert worker.work()[-1] == "failed"
    volume.refresh_from_db()
    assert (volume.status, volume.error) == ("available", "No.") and is_settled(worker)
    managing.unmanage(context=CONTEXT, volume=volume)
    assert worker.work()[-1] == "succeeded"
    worker.plan({"op": "adopt_volume", "error": "abort", "when": when, "times": 1, "message": "No."})
    again = managing.manage(context=CONTEXT, host=PLACE, reference={"source-name": f"volume-{volume.id}"}, values={})
    assert worker.work()[-1] == "failed"
    again.refresh_from_db()
    assert again.status == "error" and listed() == [(f"volume-{volume.id}", 2, True)]


def test_refusals(worker: Worker) -> None:
    volume = made(worker)
    for host, reference in (
        ("nowhere@local", {"source-name": "x"}), (PLACE, {"source-name": "x"}), (PLACE, {"source-id": "x"}),
        (PLACE, {"source-name": f"volume-{volume.id}"}),
    ):  # fmt: skip
        with pytest.raises((exceptions.InvalidHost, exceptions.InvalidReference)):
            managing.manage(context=CONTEXT, host=host, reference=reference, values={})
    Volume.objects.filter(id=volume.id).update(status="in-use")
    with pytest.raises(exceptions.InvalidVolume):
        managing.unmanage(context=CONTEXT, volume=volume)
    assert Volume.objects.count() == 1


def test_snapshots(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent of the version before lists them all."""
    volume = made(worker)
    snapshot = snapshots.create(context=CONTEXT, volume=volume, values={"name": "s"})
    assert worker.work()[-1] == "succeeded"
    name = f"_snapshot-{snapshot.id}"
    snapshot.refresh_from_db()
    with pytest.raises(exceptions.InvalidVolume):
        managing.unmanage(context=CONTEXT, volume=volume)
    managing.unmanage_snapshot(context=CONTEXT, snapshot=snapshot)
    assert worker.work()[-1] == "succeeded"
    assert listed(snapshots=True) == [(name, 2, True)]
    assert not [item for item in check.of_host(worker.drivers) if item.kind != "quota"]
    with pytest.raises(exceptions.InvalidReference):
        managing.manage_snapshot(context=CONTEXT, volume=volume, reference={"source-name": "x"}, values={})
    shared = VolumeType.objects.create(name="shared", extra_specs={"multiattach": "<is> True"})
    with pytest.raises(exceptions.InvalidVolume, match="cannot be converted: its pool"):
        volume_retype.retype(context=CONTEXT, volume=volume, volume_type=shared)
    answers, asked = agents.request, []

    def former(**question: Any) -> tuple[int, bytes]:
        asked.append(question["parts"][2])
        return (404, b"") if asked[-1] == "kept-snapshots" else answers(**question)

    monkeypatch.setattr(agents, "request", former)
    assert managing.unmanaged_of(volume).exists and asked == ["kept-snapshots", "unmanaged-snapshots"]
    named = json.dumps([{"reference": f"unmanaged-{snapshot.id}", "size_gib": 2}]).encode()
    monkeypatch.setattr(agents, "request", lambda **question: (200, named))
    again = managing.manage_snapshot(
        context=CONTEXT, volume=volume, reference={"source-name": name}, values={"name": "mine"}
    )
    monkeypatch.setattr(agents, "request", answers)
    assert worker.work()[-1] == "succeeded"
    again.refresh_from_db()
    assert (again.status, again.name, again.size) == ("available", "mine", 2)
    assert listed(snapshots=True) == [(f"_snapshot-{again.id}", 2, False)] and Snapshot.objects.count() == 2


@pytest.mark.parametrize("case", ["down", "silent", "broken"])
def test_members_read_no_hosts(worker: Worker, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """A retype asks an agent, and is theirs."""
    volume = made(worker)
    shared = VolumeType.objects.create(name="shared", extra_specs={"multiattach": "<is> True"})

    def answer(**question: Any) -> tuple[int, bytes]:
        if case == "silent":
            raise agents.AgentSilent
        return 500, b""

    monkeypatch.setattr(agents, "request", answer)
    if case == "down":
        Host.objects.update(forced_down=True)
    with pytest.raises(Unavailable) as refusal:
        volume_retype.retype(context=CONTEXT, volume=volume, volume_type=shared)
    assert str(refusal.value) == f"The host of volume {volume.id} does not answer; try again."
    volume.refresh_from_db()
    assert volume.status == "available"


def test_a_failure_on_the_rows_alone(worker: Worker) -> None:
    """The host was lost once it had taken the volume over: its recovery gives the name back, and removes nothing."""
    volume = made(worker)
    managing.unmanage(context=CONTEXT, volume=volume)
    worker.work()
    name = f"volume-{volume.id}"
    again = managing.manage(context=CONTEXT, host=PLACE, reference={"source-name": name}, values={})
    worker.drivers.volume.adopt_volume(VolumeSpec(str(again.id), 2), name)
    Volume.objects.filter(id=again.id).update(status="error", host="")
    Run.objects.filter(subject_id=again.id).update(state="failed")
    Allocation.objects.filter(consumer_id=again.id).delete()
    look(worker)
    assert listed() == [(name, 2, True)]


def test_files(tmp_path: Path) -> None:
    """A raw file that an operator put into a local pool is a volume's; what it has in it is data."""
    options = {"state_dir": tmp_path, "run_dir": tmp_path / "run", "reserved_gib": 0}
    driver, place = drivers.load("local", options), tmp_path / "volumes" / "unmanaged"
    place.mkdir(parents=True)
    (place / "disk.raw").write_bytes(b"QFI\xfb" + bytes(1 << 20))
    (place / "other.qcow2").write_bytes(b"QFI\xfb")
    (place / "away.raw").symlink_to("/etc/passwd")
    assert [(item.reference, item.size_gib) for item in driver.list_unmanaged()] == [("disk.raw", 1)]
    spec = VolumeSpec("0b2bb6c4-64f7-4d64-9fde-cf560266829b", 1)
    for bad in ("other.qcow2", "away.raw", "../volumes", "none"):
        with pytest.raises(NotUnmanaged):
            driver.adopt_volume(spec, bad)
    for _ in range(2):
        assert driver.adopt_volume(spec, "disk.raw").size_gib == 1
    assert driver.list_unmanaged() == () and not driver.residue(remove=False)
    record = json.loads((tmp_path / "volumes" / spec.id / "volume.json").read_text())
    assert [name.rpartition(".")[2] for name in record["chain"]] == ["qcow2", "raw"]
    for _ in range(2):
        driver.release_volume(spec.id, "again")
    assert [item.reference for item in driver.list_unmanaged()] == ["again"] and not driver.list_volumes()
