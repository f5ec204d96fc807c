"""Keys of encrypted volumes on their way: to the host that opens the volume, while it has it, and no further."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.compute.models import Server
from apps.compute.services import volume_attachments as services
from apps.volumes.models import Attachment, EncryptionType, Volume, VolumeKey, VolumeType
from apps.volumes.services import bootstrap, volume_keys, volumes
from apps.workflow.models import Finding, Run, Step
from apps.workflow.services.findings import FindingReport
from tests.api.compute.in_process import HOST, Worker
from tests.unit.volumes.test_exports import FAR, OWNER, far, server, worker
from workers.config import HostDrivers
from workers.consistency import check
from workers.drivers.volume.errors import KeyUnavailable
from workers.host.reconcilers import base
from workers.host.reconcilers import volume_keys as reconciler
from workers.mapping import volume_keys as mapping
from workers.mapping import volumes as volume_mapping
from workers.periodic.reconcilers import volumes as rows_reconciler
from workers.system.peers import client
from workers.system.peers.errors import PeerRefused

__all__ = ["far", "server", "worker"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> Path:
    settings.VOLUME_KEY_DIR = tmp_path / "volume-keys"
    bootstrap.ensure_keys()
    return tmp_path / "volume-keys"


@pytest.fixture
def secret(keys: Path) -> VolumeType:
    row = VolumeType.objects.create(name="secret")
    EncryptionType.objects.create(volume_type=row, provider="luks", cipher="aes-xts-plain64", key_size=256)
    return row


@pytest.fixture
def volume(worker: Worker, secret: VolumeType) -> Volume:
    row = Volume(project_id="p", user_id="u", size=1, volume_type=secret, encrypted=True, host=HOST)
    volumes.create(context=OWNER, volume=row)
    assert worker.work() == ["succeeded"]
    row.refresh_from_db()
    return row


@pytest.fixture
def attached(worker: Worker, server: Server, volume: Volume) -> Attachment:
    services.attach(context=OWNER, server=server, volume_id=str(volume.id))
    assert worker.work()[-1] == "succeeded"
    return Attachment.objects.get()


def kept(drivers: HostDrivers) -> list[str]:
    return list(drivers.hypervisor.kept_keys())


def reconcile(drivers: HostDrivers) -> dict[str, int]:
    report = FindingReport(drivers.host)
    reconciler.reconcile(base.take_snapshot(drivers, report, restarted=False))
    return report.counts


def differences(drivers: HostDrivers) -> list[str]:
    return [item.what for item in (*check.of_rows(), *check.of_host(drivers)) if item.kind == "volume_key"]


def asked(host: str, volume: Volume, part: str = "volume-key") -> str:
    return mapping.answer(host, str(volume.id), part).decode()


def test_a_host_has_the_key_while_it_has_the_volume(
    worker: Worker, server: Server, volume: Volume, attached: Attachment, tmp_path: Path
) -> None:
    passphrase = volume_keys.passphrase_of(VolumeKey.objects.get())
    assert kept(worker.drivers) == [str(volume.id)] and volume_mapping.volume_spec(volume).header_bytes == 1052672
    assert differences(worker.drivers) == []
    worker.drivers.hypervisor.forget_key(str(volume.id))  # libvirt's daemon was restarted
    assert reconcile(worker.drivers) == {} and kept(worker.drivers) == [str(volume.id)]
    services.detach(context=OWNER, server=server, volume_id=volume.id)
    assert worker.work()[-1] == "succeeded" and kept(worker.drivers) == []
    worker.drivers.hypervisor.keep_key(str(volume.id), passphrase)  # a step was killed behind this
    assert differences(worker.drivers) == [str(volume.id)]
    assert reconcile(worker.drivers) == {} and kept(worker.drivers) == []
    # It is nowhere in clear text: not on the host's disk, in no row.
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or passphrase.encode() not in path.read_bytes(), path
    rows = [*Run.objects.values(), *Step.objects.values(), *Attachment.objects.values(), *VolumeKey.objects.values()]
    assert passphrase not in json.dumps(rows, default=str)


def test_keys_and_volumes_are_compared(worker: Worker, volume: Volume) -> None:
    assert differences(worker.drivers) == []
    key = VolumeKey.objects.get()
    VolumeKey.objects.create(volume=volume, is_next=True, sealed=key.sealed, cipher=key.cipher, key_size=256)
    assert differences(worker.drivers) == [str(volume.id)]
    report = FindingReport("")
    rows_reconciler.reconcile(report)
    assert list(VolumeKey.objects.all()) == [key] and report.counts == {"volume": 1}
    Volume.objects.update(encrypted=False)
    assert differences(worker.drivers) == [str(volume.id)]
    rows_reconciler.reconcile(FindingReport(""))
    assert not VolumeKey.objects.exists()
    Volume.objects.update(encrypted=True)
    assert differences(worker.drivers) == [str(volume.id)]
    volumes.delete(context=OWNER, volume=volume)
    assert worker.work()[-1] == "succeeded" and differences(worker.drivers) == []


def test_a_key_that_cannot_be_had_is_reported(worker: Worker, volume: Volume, attached: Attachment, keys: Path) -> None:
    for path in keys.iterdir():
        path.unlink()
    worker.drivers.hypervisor.forget_key(str(volume.id))
    assert reconcile(worker.drivers) == {"volume_key": 1}
    assert "cannot be opened" in Finding.objects.get().found


@pytest.mark.parametrize(
    ("pipeline", "subject", "given"),
    [("volume.create", "volume", True), ("volume.extend", "volume", False), ("server.reboot", "server", True)],
)
def test_a_run_with_one_host_keeps_no_roles(
    server: Server, volume: Volume, attached: Attachment, pipeline: str, subject: str, given: bool
) -> None:
    key = {"volume": volume.id, "server": server.id}[subject]
    Run.objects.create(pipeline=pipeline, subject_type=subject, subject_id=key, project_id="p", state="running",
                       deadline_at=timezone.now(), host=FAR)  # fmt: skip
    if given:
        assert asked(FAR, volume) == volume_keys.passphrase_of(VolumeKey.objects.get())
        return
    with pytest.raises(PeerRefused):
        asked(FAR, volume)


def test_who_is_given_a_key(
    worker: Worker, far: HostDrivers, server: Server, volume: Volume, attached: Attachment, keys: Path
) -> None:
    passphrase = volume_keys.passphrase_of(VolumeKey.objects.get())
    assert asked(HOST, volume) == passphrase
    for host, part in ((FAR, "volume-key"), ("nobody", "volume-key"), (HOST, "next-volume-key")):
        with pytest.raises(PeerRefused):
            asked(host, volume, part)
    run = Run.objects.create(
        pipeline="server.live_migrate", subject_type="server", subject_id=server.id, project_id="p", state="running",
        deadline_at=timezone.now(),
        hosts={"source": HOST, "destination": FAR, "storage": "third"},
    )  # fmt: skip
    assert asked(FAR, volume) == passphrase
    with pytest.raises(PeerRefused):
        asked("third", volume)
    Run.objects.filter(id=run.id).update(state="succeeded")
    with pytest.raises(PeerRefused):
        asked(FAR, volume)
    with pytest.raises(PeerRefused):
        mapping.answer(HOST, "x", "volume-key")
    volumes_of_nobody = Volume(id=uuid.uuid4())
    with pytest.raises(PeerRefused):
        asked(HOST, volumes_of_nobody)


def test_a_host_without_keys_asks_the_first_machine(
    worker: Worker, volume: Volume, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.VOLUME_KEY_DIR = tmp_path / "none"
    with pytest.raises(KeyUnavailable, match="does not answer"):
        mapping.of_volume(volume.id)
    monkeypatch.setattr(mapping.authorities, "host", lambda: "first")
    monkeypatch.setattr(mapping, "peer_of", lambda host: host)
    questions: list[tuple[object, ...]] = []
    monkeypatch.setattr(client, "read", lambda *words: questions.append(words) or b"abc")
    key = mapping.of_volume(volume.id)
    assert (key.passphrase, key.key_size) == ("abc", 256)
    assert questions == [("first", str(volume.id), "volume-key", 1000)]
