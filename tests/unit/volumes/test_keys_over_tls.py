"""A host without the cloud's volume keys gets a volume's passphrase over mutual TLS."""

import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from apps.scheduling.models import Host
from apps.volumes.models import Attachment, Volume, VolumeKey
from apps.volumes.services import volume_keys
from tests.api.compute.in_process import HOST, Worker
from tests.unit.volumes.test_encryption import attached, far, keys, secret, server, volume, worker
from workers.host import http
from workers.mapping import volume_keys as mapping
from workers.system.pki import renewal

__all__ = ["attached", "far", "keys", "secret", "server", "volume", "worker"]


@pytest.mark.heavy
@pytest.mark.django_db(transaction=True)
def test_a_key_over_tls(
    worker: Worker, volume: Volume, attached: Attachment, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, mine = renewal.authority_of(tmp_path / "state"), renewal.host_of(tmp_path / "state")
    authority.create()
    mine.install(authority.sign(mine.request(HOST), HOST), authority.certificate())
    settings.STATE_DIR = tmp_path / "state"
    monkeypatch.setattr(mapping.authorities, "host", lambda: HOST)
    asking = threading.current_thread()
    monkeypatch.setattr(volume_keys, "can_open", lambda: threading.current_thread() is not asking)
    with ThreadingHTTPServer(("127.0.0.1", 0), http.Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        Host.objects.filter(name=HOST).update(agent_url=f"http://127.0.0.1:{listening.server_port}")
        try:
            assert mapping.of_volume(volume.id).passphrase == volume_keys.passphrase_of(VolumeKey.objects.get())
        finally:
            listening.shutdown()
