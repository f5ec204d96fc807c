"""A server on one simulated host with a volume of another: attached, kept, lost and found, on both hosts."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.common.context import RequestContext
from apps.compute.models import BlockDevice, Server
from apps.compute.services import volume_attachments as services
from apps.scheduling.models import Host, Inventory
from apps.volumes.models import Attachment, Export, Volume
from apps.workflow.models import Finding, Run
from apps.workflow.services.findings import FindingReport
from tests.api.compute import in_process
from tests.api.compute.in_process import HOST, Worker
from workers import config
from workers.config import HostDrivers
from workers.consistency import check
from workers.drivers.hypervisor import simulated_disks
from workers.drivers.volume import simulated as simulated_volumes
from workers.drivers.volume.base import VolumeSpec
from workers.drivers.volume.errors import StorageHostSilent
from workers.engine import revert
from workers.host import drivers as host_drivers
from workers.host import events, shutdown
from workers.host.reconcilers import base
from workers.host.reconcilers import exports as reconciler
from workers.mapping import exports, servers
from workers.mapping import volumes as mapping

pytestmark = pytest.mark.django_db
FAR = "sim-002"  # it has the volume
OWNER = RequestContext(user_id="u", project_id="p")


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(revert, "RETRY_DELAY_SECONDS", 0)
    for number, name in enumerate((HOST, FAR)):
        host = Host.objects.create(name=name, number=number, hypervisor_type="simulated", cpu_info={"arch": "x86_64"})
        Inventory.objects.create(host=host, vcpus=8, ram_mib=8192, disk_gib=100)
    with in_process.worker(tmp_path, monkeypatch) as made:
        yield made
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


@pytest.fixture
def far(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostDrivers:
    """The volume's host, whose agent is asked without HTTP."""
    drivers = in_process.drivers_of(FAR, tmp_path)
    monkeypatch.setitem(config._hosts, FAR, drivers)
    return drivers


@pytest.fixture
def volume(far: HostDrivers) -> Volume:
    row = Volume.objects.create(project_id="p", user_id="u", size=1, status="available", host=FAR)
    far.volume.create_volume(VolumeSpec(str(row.id), 1))
    return row


@pytest.fixture
def server(worker: Worker) -> Server:
    server = Server.objects.create(
        project_id="p", user_id="u", name="s", hostname="s", vm_state="active", power_state=1, host=HOST, zone="nova",
        flavor={"original_name": "f", "vcpus": 1, "ram": 64, "disk": 1, "ephemeral": 0, "swap": 0},
        reservation_id="r-1",
    )  # fmt: skip
    BlockDevice.objects.create(server=server, kind="root", size=1, device="vda")
    worker.drivers.hypervisor.spawn(servers.spec_of(server, worker.drivers, (), ()))
    return server


@pytest.fixture
def attached(worker: Worker, server: Server, volume: Volume) -> Attachment:
    services.attach(context=OWNER, server=server, volume_id=str(volume.id))
    assert worker.work() == ["succeeded"]
    return Attachment.objects.get()


def remote(drivers: HostDrivers) -> list[tuple[str, str, int]]:
    """What other hosts have from here."""
    found = [export for export in drivers.volume.list_exports() if export.listening is not None]
    return [(item.volume_id, item.listening.client, item.listening.port) for item in found if item.listening]


def connected(worker: Worker) -> list[str]:
    return [export.volume_id for export in worker.drivers.volume.list_connections()]


def plugged(worker: Worker, server: Server) -> list[str]:
    return list(worker.drivers.hypervisor.disks_of(str(server.id)))


def reconcile(drivers: HostDrivers, *, restarted: bool = False) -> dict[str, int]:
    report = FindingReport(drivers.host)
    reconciler.reconcile(base.take_snapshot(drivers, report, restarted=restarted))
    return report.counts


def differences(*hosts: HostDrivers) -> list[str]:
    return [item.details for drivers in hosts for item in check.of_host(drivers) if item.kind == "export"]


def power(worker: Worker, server: Server) -> str:
    info = worker.drivers.hypervisor.info(str(server.id))
    return str(info.power_state) if info else ""


def test_attach_and_detach(
    worker: Worker, far: HostDrivers, server: Server, volume: Volume, attached: Attachment
) -> None:
    volume.refresh_from_db()
    assert (volume.status, attached.status, attached.host) == ("in-use", "attached", HOST)
    assert remote(far) == [(str(volume.id), HOST, 10900)]
    assert (connected(worker), plugged(worker, server)) == ([str(volume.id)], [str(volume.id)])
    names = [export.name for export in far.volume.list_exports()]
    assert names == [f"e{Export.objects.get().name}"] and attached.export not in names[0]
    assert (reconcile(worker.drivers), reconcile(far), differences(worker.drivers, far)) == ({}, {}, [])
    services.detach(context=OWNER, server=server, volume_id=volume.id)
    assert worker.work() == ["succeeded"] * 2
    volume.refresh_from_db()
    assert (volume.status, Attachment.objects.count(), Export.objects.count()) == ("available", 0, 0)
    assert (remote(far), far.volume.list_exports(), connected(worker), plugged(worker, server)) == ([], (), [], [])
    assert (reconcile(worker.drivers), reconcile(far)) == ({}, {})


def test_the_storage_host_is_down(worker: Worker, server: Server, volume: Volume) -> None:
    del config._hosts[FAR]
    Host.objects.filter(name=FAR).update(forced_down=True)
    services.attach(context=OWNER, server=server, volume_id=str(volume.id))
    assert worker.work() == ["failed"]
    assert Run.objects.get(leader_id=None).error_message == "The host that has the volume is down."
    volume.refresh_from_db()
    assert (volume.status, plugged(worker, server), Export.objects.count()) == ("available", [], 0)
    Host.objects.filter(name=FAR).update(forced_down=False)  # but its agent is not there
    services.attach(context=OWNER, server=server, volume_id=str(volume.id))
    assert worker.work() == ["failed"] * 2
    message = Run.objects.filter(leader_id=None).latest("created_at").error_message
    assert message == "The host that has the volume does not answer."


@pytest.mark.parametrize(("op", "when"), [("open_export", "before"), ("open_export", "after"), ("connect", "inside")])
def test_an_attachment_that_fails(
    worker: Worker, far: HostDrivers, server: Server, volume: Volume, op: str, when: str
) -> None:
    worker.plan({"op": op, "error": "abort", "when": when, "message": "No."})
    services.attach(context=OWNER, server=server, volume_id=str(volume.id))
    assert worker.work() == ["failed"]
    assert Run.objects.get(leader_id=None).error_message.startswith("No.")
    volume.refresh_from_db()
    assert (volume.status, Export.objects.count(), connected(worker), remote(far)) == ("available", 0, [], [])


def test_ports_are_not_shared(worker: Worker, server: Server, volume: Volume, settings: Any) -> None:
    settings.VOLUME_PORTS = "10900-10901"
    made = [
        Attachment.objects.create(
            volume=volume, server_id=uuid.uuid4(), host=f"h{number}", status="attached", mode="ro"
        )
        for number in range(3)
    ]
    assert [exports.open_for(row, row.host).port for row in made[:2]] == [10900, 10901]
    with pytest.raises(StorageHostSilent, match=r"has no port left for other hosts \(10900-10901\)"):
        exports.open_for(made[2], made[2].host)
    exports.close_for(made[0])
    assert exports.open_for(made[2], made[2].host).port == 10900


def test_a_server_that_moves_has_two_exports(worker: Worker, far: HostDrivers, attached: Attachment) -> None:
    """Opened for the destination while the source has it; also at home. Then the source's is closed."""
    there = exports.open_for(attached, "sim-003")
    assert {client for _, client, _ in remote(far)} == {HOST, "sim-003"} and there.owner == str(attached.id)
    home = mapping.connect(attached, far)
    assert len(far.volume.list_exports()) == 3 and home.listening is None
    exports.close_for(attached, HOST)
    assert [client for _, client, _ in remote(far)] == ["sim-003"]
    mapping.connect(attached, far, alone=True)
    assert remote(far) == [] and len(far.volume.list_exports()) == 1


def test_the_next_attempt_shuts_out_the_host_before(worker: Worker, far: HostDrivers, attached: Attachment) -> None:
    exports.open_for(attached, "sim-003", alone=True)
    assert [client for _, client, _ in remote(far)] == ["sim-003"]


def test_what_the_storage_host_lost_is_opened(worker: Worker, far: HostDrivers, attached: Attachment) -> None:
    simulated_volumes.lose_exports(worker.directory.parent, FAR, str(attached.volume_id))
    assert differences(far) == [f"not open on {FAR}, and {HOST} is to have it"]
    assert reconcile(far, restarted=True) == {}
    simulated_volumes.lose_exports(worker.directory.parent, FAR, str(attached.volume_id))
    before = Export.objects.get()
    assert reconcile(far) == {"export": 1}
    assert remote(far) == [(str(attached.volume_id), HOST, 10900)]
    assert (Export.objects.get().name, differences(far)) == (before.name, [])


def test_an_export_without_a_row_is_closed(
    worker: Worker, far: HostDrivers, server: Server, attached: Attachment
) -> None:
    """Rows went alone while both hosts were away: the guest gives the disk back, and both ends go."""
    attached.delete()
    assert len(differences(worker.drivers, far)) == 2
    assert (reconcile(far), remote(far)) == ({"export": 1}, [])
    assert reconcile(worker.drivers) == {"export": 1}
    assert (connected(worker), plugged(worker, server), differences(worker.drivers, far)) == ([], [], [])


def test_a_lost_connection_is_made_again(worker: Worker, attached: Attachment) -> None:
    worker.drivers.volume.disconnect(str(attached.id))
    assert reconcile(worker.drivers) == {"export": 1}
    assert connected(worker) == [str(attached.volume_id)]


def test_a_guest_waits_for_the_storage_host(
    worker: Worker, far: HostDrivers, server: Server, attached: Attachment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paused before it saw an error, shown in findings, and resumed when the volume's host is back."""
    monkeypatch.delitem(config._hosts, FAR)
    Host.objects.filter(name=FAR).update(forced_down=True)
    simulated_disks.fail_disk(worker.directory.parent, HOST, str(server.id))
    events.write_power_state(worker.drivers, server.id, "paused")
    server.refresh_from_db()
    assert (server.vm_state, power(worker, server)) == ("paused", "paused")
    assert reconcile(worker.drivers) == {"export": 1}
    assert Finding.objects.filter(kind="export").get().found.endswith(f"the volume's host {FAR} is down")
    Host.objects.filter(name=FAR).update(forced_down=False)
    monkeypatch.setitem(config._hosts, FAR, far)
    reconcile(worker.drivers)
    assert power(worker, server) == "running"


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_larger_volume(
    worker: Worker, far: HostDrivers, server: Server, attached: Attachment, is_paused: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The guest sees its size, also one that was paused meanwhile: its connection is made again for another reason."""
    shown: list[int] = []
    monkeypatch.setattr(type(worker.drivers.hypervisor), "resize_disk", lambda *arguments: shown.append(arguments[-1]))
    Volume.objects.update(size=3)
    far.volume.extend_volume(str(attached.volume_id), 3)
    if is_paused:
        simulated_disks.fail_disk(worker.directory.parent, HOST, str(server.id))
        assert reconciler.revive(worker.drivers, server.id)
    reconciler.look_after(attached.volume_id, worker.drivers)
    [seen] = worker.drivers.volume.list_connections()
    assert (seen.size_gib, shown) == (3, [3 << 30])


def test_down_ends_both_sides(
    worker: Worker, far: HostDrivers, attached: Attachment, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = {HOST: worker.drivers, FAR: far}
    monkeypatch.setattr(host_drivers, "host_names", lambda: list(sides))
    monkeypatch.setattr(host_drivers, "make", sides.get)
    assert [line.rpartition(", ")[2] for line in shutdown.run(timeout_s=1)] == ["1 volumes closed"] * 2
    assert (connected(worker), far.volume.list_exports()) == ([], ())


def test_a_server_starts_when_the_storage_host_is_back(
    worker: Worker, far: HostDrivers, server: Server, attached: Attachment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.host.reconcilers import power as guests

    def recover() -> None:
        guests.reconcile(base.take_snapshot(worker.drivers, FindingReport(HOST), restarted=not seen))
        seen.append(1)

    seen: list[int] = []
    worker.drivers.storage.create_root(str(server.id), None, 1)
    worker.drivers.hypervisor.destroy(str(server.id))
    worker.drivers.volume.disconnect(str(attached.id))
    Export.objects.update(opened_at=None)
    monkeypatch.delitem(config._hosts, FAR)
    Host.objects.filter(name=FAR).update(forced_down=True)
    recover()
    server.refresh_from_db()
    assert (server.vm_state, server.power_state) == ("active", 0)
    Host.objects.filter(name=FAR).update(forced_down=False)
    monkeypatch.setitem(config._hosts, FAR, far)
    recover()
    assert power(worker, server) == "running"
