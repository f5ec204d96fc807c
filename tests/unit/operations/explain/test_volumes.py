"""`why` about a volume: what it is, where, who has it, what it holds, and its runs."""

import uuid

import pytest

from apps.compute.models import BlockDevice, Server
from apps.operations.explain import collect, queues, text
from apps.scheduling.models import Host
from apps.volumes.models import Attachment, Backup, Group, GroupType, Snapshot, Volume, VolumeType
from apps.volumes.selectors import pools
from apps.workflow.models import Finding
from tests.unit.operations.explain.test_diagnosis import FLAVOR
from tests.unit.volumes.test_backends import worker
from tests.unit.volumes.test_migrations import made
from workers.engine.subjects import VOLUME

__all__ = ["worker"]
pytestmark = pytest.mark.django_db


def page(volume: Volume) -> str:
    return text.render(collect.of_subject(VOLUME, volume.id, ask_workers=False))


def test_a_volume(worker: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "_messages", lambda queue: 0)
    kind = VolumeType.objects.create(name="fast")
    volume = made(worker, volume_type=kind)  # type: ignore[arg-type]
    server = uuid.uuid4()
    Attachment.objects.create(volume=volume, server_id=server, host="sim-002", status="attached", mode="rw")
    Snapshot.objects.create(volume=volume, project_id="p", user_id="u", size=2, name="before", status="available")
    Backup.objects.create(project_id="p", user_id="u", name="nightly", volume_id=volume.id, size=2, status="available")
    group = Group.objects.create(
        project_id="p", user_id="u", name="both", group_type=GroupType.objects.create(name="g")
    )
    Volume.objects.filter(id=volume.id).update(group=group)
    shown = page(volume)
    for expected in (
        f"in the group both {group.id}", "backup nightly",
        "2 GiB, type fast, qcow2", "made empty", "on sim-001, back end local, zone nova", "host sim-001 is up",
        f"server {server} on sim-002: attached, rw", "allocation on sim-001: 2 GiB", "snapshot before",
        "create (volume.create): succeeded", "quota: counted as in use",
    ):  # fmt: skip
        assert expected in shown, shown
    Host.objects.filter(name="sim-001").update(heartbeat_at="2026-01-01T00:00:00Z")
    Volume.objects.filter(id=volume.id).update(deleted_at="2026-11-30T00:00:00Z", status="deleted", error="No.")
    shown = page(volume)
    for expected in ("deleted", "DOWN: its volumes are out of reach", "last failure: No."):
        assert expected in shown, shown
    assert "Who" not in text.render(collect.of_subject(VOLUME, uuid.uuid4(), ask_workers=False))


def test_a_full_pool_is_told_of_its_volumes_and_their_servers(worker: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guest waits with its writes, and nothing is under way: the pool is why."""
    monkeypatch.setattr(queues, "_messages", lambda queue: 0)
    volume = made(worker)  # type: ignore[arg-type]
    server = Server.objects.create(
        project_id="p", user_id="u", name="vm", hostname="vm", flavor=FLAVOR, reservation_id="r", vm_state="active",
        host="sim-002", has_volumes=True,
    )  # fmt: skip
    BlockDevice.objects.create(server=server, kind="volume", volume_id=volume.id, position=1, is_attached=True)
    assert "GiB are free" not in page(volume)
    found = Finding.objects.create(kind="pool", subject="sim-001@local", host="sim-001", found="0 GiB are free")
    assert "0 GiB are free" in page(volume)
    assert "0 GiB are free" in text.render(collect.of_server(server, ask_workers=False))
    Finding.objects.filter(id=found.id).update(subject="sim-002@local", host="sim-002")
    assert "GiB are free" not in text.render(collect.of_server(server, ask_workers=False))
    monkeypatch.setattr(pools, "is_direct", lambda backend: True)
    assert "0 GiB are free" in text.render(collect.of_server(server, ask_workers=False))
