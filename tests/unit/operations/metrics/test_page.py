"""/metrics: its content, the cost of a scrape, and its answer while other services are down."""

import json
import socket
import threading
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.common import broker
from apps.compute.models import Migration, Server
from apps.operations.metrics import machine, page
from apps.scheduling.models import Host
from apps.volumes.models import Attachment, Backup, BackupPlan, Export, Pool, Volume
from apps.workflow.services import counters
from tests.unit.operations.metrics import rows
from workers.system.pki import renewal

pytestmark = pytest.mark.django_db
STATEMENTS = 15


def lines(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


def test_hosts_and_capacity() -> None:
    rows.hosts(4)
    long_ago = timezone.now() - timedelta(seconds=100)
    Host.objects.filter(name="h00001").update(enabled=False, heartbeat_at=long_ago)
    Host.objects.filter(name="h00002").update(heartbeat_at=long_ago)
    text = page.render().decode()
    assert 'celerity_hosts{state="up"} 2.0' in text
    assert 'celerity_hosts{state="down"} 1.0' in text
    assert 'celerity_hosts{state="disabled"} 1.0' in text
    assert 'celerity_vcpus{kind="used"} 12.0' in text
    assert 'celerity_vcpus{kind="capacity"} 64.0' in text
    assert 'celerity_host_up{host="h00002"} 0.0' in text
    assert 'celerity_host_disk_gib{host="h00003",kind="capacity"} 40.0' in text
    assert 'celerity_queue_waiting{queue="host.h00001"} 0.0' in text
    assert 100 <= float(lines(text, "celerity_heartbeat_age_seconds ")[0].split()[1]) < 110


def test_many_hosts_have_no_series_each(settings: object) -> None:
    settings.METRICS_HOSTS = 3  # type: ignore[attr-defined]
    rows.hosts(4)
    text = page.render().decode()
    assert not lines(text, "celerity_host_")
    assert 'celerity_vcpus{kind="used"} 12.0' in text
    assert 'celerity_queue_waiting{queue="hosts"} 0.0' in text


def test_volumes_and_their_pools() -> None:
    for host, backend, shared in (("a", "nfs", True), ("b", "nfs", True), ("a", "ssd", False)):
        Pool.objects.create(host=host, backend=backend, shared=shared, total_gib=100, free_gib=60, reserve_gib=2)
    for host, backend in (("a", "nfs"), ("b", "nfs"), ("a", "ssd"), ("a", "local")):
        Volume.objects.create(project_id="p", user_id="u", size=5, status="available", host=host, backend=backend)
    volume = Volume.objects.get(backend="ssd")
    attachment = Attachment.objects.create(volume=volume, server_id=uuid.uuid4(), host="b", status="attached")
    Export.objects.create(attachment=attachment, host="b", storage_host="a", opened_at=timezone.now())
    Backup.objects.create(project_id="p", user_id="u", volume_id=volume.id, size=5, status="error")
    for error, days in (("no", 1), ("", -1), ("", 1)):
        at = timezone.now() + timedelta(days=days)
        BackupPlan.objects.create(project_id="p", user_id="u", interval_hours=1, keep=1, error=error, next_at=at)
    text = page.render().decode()
    assert 'celerity_volume_backups{status="error"} 1.0' in text
    for problem in ("failed", "late"):
        assert f'celerity_volume_backup_plans{{problem="{problem}"}} 1.0' in text
    assert 'celerity_volumes{status="available"} 4.0' in text
    assert 'celerity_volume_pool_gib{backend="nfs",host="",kind="claimed"} 10.0' in text
    assert 'celerity_volume_pool_gib{backend="ssd",host="a",kind="claimed"} 5.0' in text
    assert 'celerity_volume_pool_gib{backend="ssd",host="a",kind="free"} 60.0' in text
    assert 'celerity_volume_exports{host="a",state="open"} 1.0' in text


def test_moves() -> None:
    """Of migrations those that are not over; of hosts those that are drained or evacuated."""
    rows.hosts(3)
    rows.servers(3)
    now, names = timezone.now(), list(Host.objects.order_by("name").values_list("name", flat=True))
    for server, host, task in zip(Server.objects.order_by("id"), names, ("migrating", "", ""), strict=True):
        Server.objects.filter(id=server.id).update(host=host, task_state=task)
        for status in ("running", "completed"):
            Migration.objects.create(server=server, type="live-migration", status=status, old_vm_state="active")
    Host.objects.filter(name=names[0]).update(draining_since=now)
    Host.objects.filter(name=names[1]).update(forced_down=True, evacuating_since=now)
    text = page.render().decode()
    assert lines(text, "celerity_migrations{") == ['celerity_migrations{status="running",type="live-migration"} 3.0']
    found = [line.removeprefix("celerity_leaving_servers") for line in lines(text, "celerity_leaving_servers{")]
    assert found == [
        f'{{host="{host}",state="{state}",why="{why}"}} {count}.0'
        for host, why, counts in ((names[0], "drain", (1, 0)), (names[1], "evacuation", (0, 1)))
        for state, count in zip(("moving", "waiting"), counts, strict=True)
    ]


def test_queues_and_their_ages() -> None:
    rows.hosts(1)
    at = timezone.now() - timedelta(seconds=50)
    rows.run(at=at, state="queued", step_state="queued").save()
    waiting = rows.run(at=at, state="running", step_state="running")
    waiting.queue = "host.h00001"
    waiting.save()
    text = page.render().decode()
    assert 'celerity_queue_waiting{queue="scheduler"} 1.0' in text
    assert 50 <= float(lines(text, 'celerity_queue_oldest_seconds{queue="scheduler"}')[0].split()[1]) < 60
    assert 'celerity_queue_running{queue="host.h00001"} 1.0' in text
    assert 'celerity_queue_oldest_seconds{queue="host.h00001"} 0.0' in text
    assert 'celerity_runs_active{pipeline="server.build"} 2.0' in text
    assert 'celerity_queue_waiting{queue="host.h00001.long"} 0.0' in text


def test_the_broker_is_asked_for_every_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    rows.hosts(1)
    monkeypatch.setattr(broker, "depths", lambda names: dict.fromkeys(names, 3))
    messages = [line.split('"')[1] for line in lines(page.render().decode(), "celerity_broker_messages{")]
    assert messages == ["scheduler", "periodic", "host.h00001", "host.h00001.long"]


@pytest.mark.slow
@pytest.mark.parametrize("many", [1_000, pytest.param(10_000, marks=pytest.mark.heavy)])
def test_many_servers_and_hosts_cost_no_more_statements(many: int) -> None:
    for size in (1, many):
        rows.hosts(size - Host.objects.count())
        rows.servers(size)
        rows.add(size, age_seconds=3600)
        rows.add(100)
        counters.fold()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        with CaptureQueriesContext(connection) as statements:
            started = time.perf_counter()
            page.render()
            seconds = time.perf_counter() - started
        assert len(statements) <= STATEMENTS, [statement["sql"][:80] for statement in statements]
        assert seconds < 2.0, f"{size}: {seconds:.3f} s"


def test_a_broker_that_is_away(settings: object) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    started = time.monotonic()
    text = page.render().decode()
    assert time.monotonic() - started < 3 * broker.BROKER_SECONDS
    assert "celerity_broker_up 0.0" in text
    assert not lines(text, "celerity_broker_messages{")


def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def away() -> None:
        raise OperationalError

    monkeypatch.setattr("apps.operations.metrics.counters.collect", away)
    monkeypatch.setattr("django.db.connection.close", lambda: None)
    text = page.render().decode()
    assert "celerity_database_up 0.0" in text
    assert "celerity_build_info{" in text


def test_a_request_is_counted_by_its_route(client: Client) -> None:
    client.get("/compute/v2.1/servers/no-such-server-at-all")
    client.get("/nothing/here/by-that-name")
    text = client.get("/metrics").content.decode()
    found = lines(text, "celerity_api_request_seconds_count{")
    assert any('route="compute/v2.1/servers/<server_id>"' in line and 'status="4xx"' in line for line in found), found
    assert any('route="(none)"' in line for line in found)
    assert "by-that-name" not in text and "no-such-server" not in text


def test_daemons_of_ovn_and_certificates(settings: Any, tmp_path: Path) -> None:
    """A socket that nobody listens on is a daemon that is down; a machine without OVN has neither."""
    settings.STATE_DIR = tmp_path
    assert list(machine.collect()) == []
    for directory in ("ovn/central", "ovn/host"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "ovn/central/sb.sock").touch()
    renewal.authority_of(tmp_path).create()
    renewal.renew(tmp_path, "h1")
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(tmp_path / "ovn/host/ovn-controller.7.ctl"))
        alive.listen()
        daemons, metadata, certificates = machine.collect()
    assert (metadata.name, metadata.samples[0].value) == ("celerity_metadata_up", 0.0)
    up = {sample.labels["daemon"]: sample.value for sample in daemons.samples}
    assert up["ovn-controller"] == 1.0
    assert set(up) == set(machine._SOCKETS) and sum(up.values()) == 1.0
    left = {sample.labels["certificate"]: sample.value for sample in certificates.samples}
    assert 364 < left["this host"] <= 365 and left["h1"] == pytest.approx(left["this host"], abs=0.01)
    assert left["the authority"] > 3600


def test_a_metadata_process(settings: Any, tmp_path: Path) -> None:
    settings.STATE_DIR, settings.NETWORK_DRIVER = tmp_path, "ovn"
    (tmp_path / "ovn").mkdir()
    (tmp_path / "run").mkdir()
    numbers = {"networks": 2, "ports": 5, "requests": {"200": 7, "404": 1}, "questions": 3, "failures": 0}
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "run/metadata.sock"))
        listening.listen()

        def answer() -> None:
            connection, _ = listening.accept()
            connection.sendall(json.dumps(numbers).encode())
            connection.close()

        answering = threading.Thread(target=answer)
        answering.start()
        families = {family.name: family for family in machine.collect()}
        answering.join()
    assert families["celerity_metadata_up"].samples[0].value == 1.0
    served = {sample.labels["kind"]: sample.value for sample in families["celerity_metadata_served"].samples}
    assert served == {"networks": 2, "ports": 5}
    requests = {sample.labels["status"]: sample.value for sample in families["celerity_metadata_requests"].samples}
    assert requests == {"200": 7, "404": 1}
