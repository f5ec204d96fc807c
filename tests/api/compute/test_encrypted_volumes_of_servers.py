"""Servers with encrypted volumes: the host has a volume's key from the build on, and no longer than the server."""

from pathlib import Path
from typing import Any

import pytest

from apps.compute.models import Server
from apps.images.models import Image
from apps.volumes.models import EncryptionType, Volume, VolumeKey, VolumeType
from apps.volumes.services import bootstrap
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import Worker
from tests.api.compute.test_boot_from_volume import create, of_image, server_of, wanted, worker
from workers.consistency import check

__all__ = ["wanted", "worker"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def secret(settings: Any, tmp_path: Path) -> VolumeType:
    settings.VOLUME_KEY_DIR = tmp_path / "volume-keys"
    bootstrap.ensure_keys()
    row = VolumeType.objects.create(name="secret")
    EncryptionType.objects.create(volume_type=row, provider="luks")
    return row


def kept(worker: Worker) -> set[str]:
    left = [item for item in (*check.of_rows(), *check.of_host(worker.drivers)) if item.kind == "volume_key"]
    assert left == []
    return set(worker.drivers.hypervisor.kept_keys())


def boot(alice: ComputeCaller, wanted: dict[str, Any], image: Image) -> Server:
    return server_of(create(alice, wanted, of_image(image, volume_type="secret", delete_on_termination=True)))


def test_a_server_boots_from_one(alice: ComputeCaller, wanted: dict[str, Any], image: Image, worker: Worker) -> None:
    server = boot(alice, wanted, image)
    assert worker.work() == ["succeeded"]
    root = Volume.objects.get()
    assert root.encrypted and kept(worker) == {str(root.id)}
    for action in ({"reboot": {"type": "HARD"}}, {"os-stop": None}, {"os-start": None}, {"suspend": None}):
        assert alice.post(f"/servers/{server.id}/action", action).status_code == 202
        assert worker.work()[-1] == "succeeded"
    worker.drivers.hypervisor.forget_key(str(root.id))  # the host was restarted
    assert alice.post(f"/servers/{server.id}/action", {"resume": None}).status_code == 202
    assert worker.work()[-1] == "succeeded" and kept(worker) == {str(root.id)}
    assert alice.delete(f"/servers/{server.id}").status_code == 204
    assert worker.work()[-1] == "succeeded"
    assert kept(worker) == set() and not VolumeKey.objects.exists()


@pytest.mark.parametrize("op", ["keep_key", "spawn"])
def test_a_build_that_fails(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, worker: Worker, op: str
) -> None:
    worker.plan({"op": op, "error": "abort", "when": "inside", "times": 1})
    boot(alice, wanted, image)
    assert worker.work() == ["failed"]
    assert kept(worker) == set() and not VolumeKey.objects.exists()
    assert worker.drivers.volume.list_volumes() == ()
