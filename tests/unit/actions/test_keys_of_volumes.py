"""A server with an encrypted volume moves: its host has the key, and no host that it has left."""

from pathlib import Path
from typing import Any

import pytest

from apps.compute.models import Server
from apps.volumes.models import Attachment, Volume, VolumeKey
from apps.volumes.services import bootstrap, volume_keys
from tests.unit.actions.conftest import ADMIN, HOST, OTHER, Moving
from workers.drivers.volume.base import Export
from workers.mapping import volumes as mapping

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_key_goes_along(moving: Moving, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VOLUME_KEY_DIR, settings.IMAGE_DIR = tmp_path / "volume-keys", tmp_path / "images"
    settings.IMAGE_DIR.mkdir()
    bootstrap.ensure_keys()
    volume = Volume.objects.create(
        project_id="p", user_id="u", size=1, status="in-use", host=HOST, encrypted=True, backend="local"
    )
    VolumeKey.objects.create(volume=volume, sealed=volume_keys._seal("ab" * 32), cipher="aes", key_size=256)
    Attachment.objects.create(
        volume=volume, server_id=moving.id, host=HOST, status="attached", by_compute=True, device="/dev/vdd"
    )
    Server.objects.update(has_volumes=True)
    export = Export(str(volume.id), "e1", "/run/x.sock")
    monkeypatch.setattr(mapping, "_connect", lambda *words: export)  # that it is open there is proven elsewhere
    moving.drivers.hypervisor.keep_key(str(volume.id), "ab" * 32)

    def kept() -> list[str]:
        return [name for name, drivers in moving.hosts.items() if drivers.hypervisor.kept_keys() == (str(volume.id),)]

    for action, arguments, after in (
        ("live-migration", {"host": OTHER}, [OTHER]),
        ("migrate", {}, [HOST]),
        ("revertResize", {}, [OTHER]),
        ("migrate", {}, [HOST]),
        ("confirmResize", {}, [HOST]),
        ("shelve", {}, []),
        ("unshelve", {"host": OTHER}, [OTHER]),
        ("stop", {}, [OTHER]),
    ):
        moving.do(action, context=ADMIN, **arguments)
        assert (moving.run_state, kept()) == ("succeeded", after), action
