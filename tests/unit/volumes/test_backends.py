"""Back ends by name: a type chooses one; pools are filtered and weighed; a shared directory follows its servers."""

import dataclasses
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.common.context import RequestContext
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.models import Allocation, Host, Inventory
from apps.scheduling.selectors import hosts
from apps.volumes.models import Attachment, DisabledBackend, Pool, Volume, VolumeType
from apps.volumes.selectors import backends as selectors
from apps.volumes.selectors import pools as pool_selectors
from apps.volumes.services import pools as services
from apps.volumes.services import volume_requests, volumes
from apps.workflow.models import Finding, Run
from apps.workflow.services.findings import FindingReport
from tests.api.compute import in_process
from tests.api.compute.in_process import HOST, Worker
from workers.consistency import check
from workers.drivers.hypervisor.base import PowerState
from workers.drivers.volume.base import ExportSpec, Listening, VolumeSpec
from workers.drivers.volume.errors import PoolUnavailable
from workers.engine import revert
from workers.host import drivers as host_drivers
from workers.host import pools
from workers.host.reconcilers import volumes as reconciler
from workers.host.reconcilers.base import take_snapshot
from workers.mapping import exports
from workers.mapping import volumes as mapping
from workers.tasks.volumes import schedule

pytestmark = pytest.mark.django_db
OTHER = "sim-002"
CONTEXT = RequestContext(user_id="u", project_id="p")
BACKENDS = {
    "local": {"kind": "local", "path": ""},
    "nfs": {"kind": "shared", "path": "/srv/volumes"},
    "ssd": {"kind": "local", "path": "/srv/ssd"},
    "ceph": {"kind": "ceph", "path": "volumes"},
}


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Worker]:
    """One host with three back ends; another one that sees the shared pool is known by its rows."""
    monkeypatch.setattr(revert, "RETRY_DELAY_SECONDS", 0)
    settings.VOLUME_BACKENDS, settings.VOLUME_OVERCOMMIT = BACKENDS, 1.0
    for number, name in enumerate((HOST, OTHER)):
        host = Host.objects.create(name=name, number=number, hypervisor_type="simulated", cpu_info={"arch": "x86_64"})
        Inventory.objects.create(host=host, vcpus=8, ram_mib=8192, disk_gib=100 if name == HOST else 1)
    with in_process.worker(tmp_path, monkeypatch) as made:
        options = {"state_dir": tmp_path, "host": HOST, "plan_file": made.plan_file}
        made.drivers = dataclasses.replace(made.drivers, volume=host_drivers._volumes("simulated", options))
        pools.report(made.drivers)
        yield made
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def why(volume: Volume) -> str:
    """What administrators read of a failure; its owner reads no host's name."""
    assert volume.error == "No host has room for the volume."
    return str(Run.objects.filter(subject_id=volume.id).order_by("created_at").last().error_details)  # type: ignore[union-attr]


def begin(backend: str, size: int = 2, **values: Any) -> Volume:
    if "volume_type" not in values:  # without one that names it, another back end would do
        specs = {"volume_backend_name": backend}
        values["volume_type"], _ = VolumeType.objects.get_or_create(name=f"on {backend}", extra_specs=specs)
    row = Volume(project_id="p", user_id="u", name="v", size=size, backend=backend, **values)
    return volumes.create(context=CONTEXT, volume=row)


def pool(backend: str = "nfs", host: str = OTHER, *, shared: bool = True, free: int = 90) -> None:
    services.report(host=host, backend=backend, shared=shared, total_gib=100, free_gib=free, reserve_gib=2)


def claimed() -> list[tuple[str, int]]:
    return list(Allocation.objects.values_list("host__name", "disk_gib"))


@pytest.mark.parametrize(("backend", "disk"), [("local", 2), ("nfs", 0), ("ssd", 0), ("ceph", 0)])
def test_each_back_end(worker: Worker, backend: str, disk: int) -> None:
    """Made in its pool, extended, deleted; the servers' disk is claimed where the pool has no other."""
    volume = begin(backend)
    assert worker.work() == ["succeeded"]
    volume.refresh_from_db()
    driver = worker.drivers.volume.backends()[backend]
    assert (volume.status, volume.host, claimed()) == ("available", HOST, [(HOST, disk)])
    assert [info.id for info in driver.list_volumes()] == [str(volume.id)]
    assert not [item for item in (*check.of_rows(), *check.of_host(worker.drivers)) if item.kind != "quota"]
    volumes.extend(context=CONTEXT, volume=volume, new_size=3)
    assert worker.work()[-1] == "succeeded"
    assert driver.list_volumes()[0].size_gib == 3 and claimed() == [(HOST, disk and 3)]
    volume.refresh_from_db()
    volumes.delete(context=CONTEXT, volume=volume)
    assert worker.work()[-1] == "succeeded"
    assert (driver.list_volumes(), claimed()) == ((), [])


def test_a_full_pool_refuses_in_words(worker: Worker) -> None:
    Pool.objects.filter(backend="ssd").update(total_gib=10, free_gib=9, reserve_gib=2)
    small = begin("ssd", 7)
    assert worker.work() == ["succeeded"]
    large = begin("ssd", 2)
    assert worker.work()[-1] == "failed"
    large.refresh_from_db()
    assert large.status == "error"
    assert f"{HOST}@ssd has room for 1 GiB of volumes more, not for 2" in why(large)
    run = Run.objects.get(subject_id=large.id)
    assert run.explanation["misses"] == [f"{HOST}@ssd has room for 1 GiB of volumes more, not for 2"]
    Pool.objects.filter(backend="ssd").update(free_gib=2)
    small.refresh_from_db()
    volumes.extend(context=CONTEXT, volume=small, new_size=8)
    assert worker.work()[-1] == "failed"
    small.refresh_from_db()
    assert small.status == "available"
    assert small.error == "The volume's pool has no room for 1 GiB more."
    assert Run.objects.latest("created_at").error_details == "the pool is full: 2 GiB are free, 2 GiB stay free"


@pytest.mark.parametrize(
    ("change", "miss"),
    [
        (lambda: Host.objects.update(forced_down=True), "is down or disabled"),
        (lambda: DisabledBackend.objects.create(host=HOST, backend="nfs"), "is disabled for new volumes"),
        (lambda: Host.objects.update(zone="elsewhere"), "is not in the zone nova"),
        (lambda: Pool.objects.filter(backend="nfs").delete(), "No host has the back end nfs."),
    ],
)
def test_why_not(worker: Worker, change: Any, miss: str) -> None:
    change()
    volume = begin("nfs", availability_zone="nova")
    assert worker.work() == ["failed"]
    volume.refresh_from_db()
    assert miss in why(volume) and claimed() == []


def test_the_pool_with_most_room_is_chosen(worker: Worker) -> None:
    pool("ssd", HOST, shared=False)
    pool("ssd", OTHER, shared=False)
    Volume.objects.create(project_id="p", user_id="u", size=5, status="available", host=HOST, backend="ssd")
    choice = services.choose_and_claim(volume=begin("ssd"))
    assert choice.host == OTHER
    assert [row["host"] for row in choice.explanation["candidates"]] == [OTHER, HOST]


def test_a_disabled_local_back_end(worker: Worker) -> None:
    DisabledBackend.objects.create(host=HOST, backend="local")
    DisabledBackend.objects.create(host=OTHER, backend="local")
    volume = begin("local")
    assert worker.work() == ["failed"]
    volume.refresh_from_db()
    assert volume.error.startswith("No host has room for the volume.")


def test_a_shared_volume_is_exported_by_its_servers_host(worker: Worker) -> None:
    volume = begin("nfs")
    worker.work()
    Volume.objects.filter(id=volume.id).update(host=OTHER)
    Host.objects.filter(name=OTHER).update(forced_down=True)  # its host is not needed
    attachment = Attachment.objects.create(
        volume_id=volume.id, server_id=uuid.uuid4(), host=HOST, status="attaching", by_compute=True, mode="rw"
    )
    export = mapping.connect(attachment, worker.drivers, alone=True)
    volume.refresh_from_db()
    assert (volume.host, export.listening, claimed()) == (HOST, None, [(HOST, 0)])
    assert [item.volume_id for item in worker.drivers.volume.list_exports()] == [str(volume.id)]


def fenced(worker: Worker, volume: Volume) -> list[list[str]]:
    """The hosts that kept the volume each time that others were fenced."""
    driver = worker.drivers.volume.backends()[volume.backend]
    record = driver._simulation.read(driver._kind, str(volume.id))  # type: ignore[attr-defined]
    return list(record.get("fenced", []))


def test_a_volume_in_a_cluster_needs_no_export(worker: Worker) -> None:
    """Guests of every host have it; while one does, another host than the volume's own works on it."""
    volume = begin("ceph", format="raw")
    worker.work()
    pool("ceph", OTHER)
    Volume.objects.filter(id=volume.id).update(host=OTHER, status="in-use")
    Host.objects.filter(name=OTHER).update(forced_down=True)
    attachment = Attachment.objects.create(
        volume_id=volume.id, server_id=uuid.uuid4(), host=HOST, status="attached", by_compute=True, mode="rw"
    )
    source = mapping.source_of(mapping.connect(attachment, worker.drivers, alone=True))
    assert (source.image, source.key) == (f"volume-{volume.id}", "")  # type: ignore[union-attr]
    assert fenced(worker, volume) == [[]]  # a guest that has it still is not known to the rows
    Attachment.objects.create(volume_id=volume.id, server_id=uuid.uuid4(), host=OTHER, status="attached", mode="rw")
    mapping.connect(attachment, worker.drivers, alone=True)
    mapping.fence(attachment, worker.drivers, lost=OTHER)
    mapping.connect(attachment, worker.drivers)
    assert fenced(worker, volume) == [[], [OTHER], []]
    assert worker.drivers.volume.list_exports() == ()
    volume.refresh_from_db()
    assert volume.host == OTHER
    volumes.extend(context=CONTEXT, volume=volume, new_size=3, attached_too=True)
    assert Run.objects.latest("created_at").host == HOST
    assert worker.work()[-1] == "succeeded"
    mapping.disconnect(attachment, worker.drivers)


def test_a_guest_with_another_disk_keeps_no_cluster_unfenced(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a swap it knows another volume by the same serial number."""
    volume = begin("ceph", format="raw")
    worker.work()
    attachment = Attachment.objects.create(
        volume_id=volume.id, server_id=uuid.uuid4(), host=HOST, status="attached", by_compute=True, mode="rw"
    )
    hypervisor = worker.drivers.hypervisor
    monkeypatch.setattr(hypervisor, "info", lambda key: SimpleNamespace(power_state=PowerState.RUNNING))
    for source, times in ((f"volumes/volume-{volume.id}", 0), (f"volumes/volume-{uuid.uuid4()}", 1)):
        monkeypatch.setattr(hypervisor, "disk_source", lambda key, serial, name=source: name)
        mapping.connect(attachment, worker.drivers, alone=True)
        assert len(fenced(worker, volume)) == times


def test_what_no_row_wants_is_closed_in_every_pool(worker: Worker) -> None:
    """While a volume moves, two pools of a host have it."""
    volume = begin("local")
    worker.work()
    pools_of = worker.drivers.volume.backends()
    pools_of["ssd"].create_volume(VolumeSpec(str(volume.id), 1, backend="ssd"))
    for number, key in enumerate(("local", "ssd")):
        listening = Listening(HOST, "127.0.0.1", 4000 + number)
        pools_of[key].open_export(str(volume.id), ExportSpec(f"e{key}", owner=key, listening=listening))
    exports.follow(volume.id, worker.drivers)
    assert worker.drivers.volume.list_exports() == ()


@pytest.mark.parametrize("known", [True, False])
def test_what_is_nobodys_in_a_shared_pool(worker: Worker, known: bool) -> None:
    """One host removes what the cloud had; what it never had may be another cloud's."""
    key = uuid.uuid4()
    if known:
        Volume.objects.create(
            id=key, project_id="p", user_id="u", size=1, backend="nfs", status="deleted", deleted_at=timezone.now()
        )
    driver = worker.drivers.volume.backends()["nfs"]
    driver.create_volume(VolumeSpec(str(key), 1, backend="nfs"))
    pool("nfs", "sim-000")  # of a host that is not there
    report = FindingReport(host=HOST)
    reconciler.reconcile(take_snapshot(worker.drivers, report, restarted=False))
    assert bool(driver.list_volumes()) is not known
    [finding] = Finding.objects.filter(subject=str(key))
    assert finding.done == ("removed" if known else "left: it may be another cloud's")


def test_a_back_end_that_is_away(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its volumes nothing is known; those of the others are looked after."""
    volumes_of = {name: begin(name) for name in ("nfs", "ssd")}
    worker.work()
    for name in volumes_of:
        driver = worker.drivers.volume.backends()[name]
        driver.delete_volume(str(volumes_of[name].id))

    def away(known: object) -> None:
        raise PoolUnavailable("The storage cluster does not answer.")

    monkeypatch.setattr(worker.drivers.volume.backends()["nfs"], "list_volumes", away)
    reconciler.reconcile(take_snapshot(worker.drivers, FindingReport(host=HOST), restarted=False))
    assert [item.subject for item in Finding.objects.all()] == [str(volumes_of["ssd"].id)]


def test_the_back_end_of_types_without_one(settings: Any) -> None:
    settings.VOLUME_BACKENDS = {"ceph": BACKENDS["ceph"], "ssd": BACKENDS["ssd"]}
    assert pool_selectors.default() == "ceph"
    settings.VOLUME_BACKENDS = BACKENDS
    assert pool_selectors.default() == "local"


def test_another_host_deletes_what_is_shared(worker: Worker) -> None:
    volume = begin("nfs")
    worker.work()
    Volume.objects.filter(id=volume.id).update(host=OTHER)
    pool("nfs", OTHER)
    Host.objects.filter(name=OTHER).update(forced_down=True)
    volume.refresh_from_db()
    volumes.delete(context=CONTEXT, volume=volume)
    assert Run.objects.latest("created_at").host == HOST
    assert worker.work()[-1] == "succeeded"
    assert worker.drivers.volume.list_volumes() == ()


def test_what_the_api_shows(worker: Worker) -> None:
    rows = {(row.host, row.backend): (row.total, row.free) for row in selectors.everything(host=HOST)}
    assert set(rows) == {(HOST, name) for name in BACKENDS}
    assert rows[HOST, "local"] == (100, 100) and rows[HOST, "nfs"][0] > 0


def test_a_back_end_that_a_host_has_not(worker: Worker) -> None:
    with pytest.raises(PoolUnavailable, match="does not have the back end tape"):
        worker.drivers.volume.create_volume(VolumeSpec(str(uuid.uuid4()), 1, backend="tape"))


def test_another_back_end_takes_what_the_first_has_no_room_for(worker: Worker) -> None:
    """A type that names none allows all that are what it asks for."""
    Inventory.objects.update(disk_gib=1)
    spilled = begin("local", volume_type=None)
    assert worker.work() == ["succeeded"]
    spilled.refresh_from_db()
    assert (spilled.backend, spilled.status, claimed()) == ("nfs", "available", [(HOST, 0)])
    Pool.objects.update(free_gib=0)
    kinds = {
        name: VolumeType.objects.create(name=name, extra_specs=specs)
        for name, specs in {
            "named": {"volume_backend_name": "local"},
            "ceph": {"storage_protocol": "ceph"},
            "large": {"free_capacity_gb": ">= 5000"},
        }.items()
    }
    for name, word in (("named", "lacks 1 GiB of disk"), ("ceph", "ceph"), ("large", "nfs")):
        kind = kinds[name]
        row = volume_requests.resolve(context=CONTEXT, values={"size": 2, "volume_type": str(kind.id)})
        assert row.backend == selectors.of_type(kind)[0]
        volumes.create(context=CONTEXT, volume=row)
        assert worker.work()[-1] == "failed"
        assert word in why(Volume.objects.get(id=row.id))
    copy = volume_requests.resolve(context=CONTEXT, values={"source_volid": str(spilled.id)})
    assert copy.backend == "nfs"  # where its source is


def test_hosts_that_were_silent_for_a_moment(worker: Worker, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """A database was away. The volume is on its first choice all the same."""
    settings.HOST_DOWN_SECONDS = 1.0
    Host.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=20))
    tried: list[str] = []

    def together(*, seconds: float) -> bool:
        tried.append(Volume.objects.get().backend)
        Host.objects.update(heartbeat_at=timezone.now() + timedelta(seconds=30))
        return len(tried) == 1

    monkeypatch.setattr(hosts, "are_silent_together", together)
    volume = begin("local", volume_type=None)
    assert worker.work() == ["succeeded"]
    volume.refresh_from_db()
    assert (volume.backend, volume.status, set(tried)) == ("local", "available", {"local"})


HINTED = {  # back end, hints -> host; {0} is a volume on HOST, {1} one of another project
    ("local", "different_host", "{0}"): OTHER,
    ("local", "same_host", "{0}"): HOST,
    ("local", "same_host", "{1}"): None,
    ("local", "local_to_instance", str(uuid.uuid4())): OTHER,
    ("ssd", "different_host", "{0}"): OTHER,
    ("ssd", "same_host", "{0}"): HOST,
    ("ssd", "same_host", "{1}"): None,
    ("nfs", "different_host", "{0}"): None,  # all hosts see one pool
    ("nfs", "same_host", "{0}"): HOST,
}


@pytest.mark.parametrize("case", HINTED)
def test_hints(worker: Worker, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, str]) -> None:
    backend, hint, named = case
    Inventory.objects.filter(host__name=OTHER).update(disk_gib=90)
    for name in ("ssd", "nfs"):
        pool(name, HOST, shared=name == "nfs", free=95)
        pool(name, OTHER, shared=name == "nfs", free=90)
    values = {"user_id": "u", "size": 1, "status": "available", "backend": backend, "host": HOST}
    rows = [Volume.objects.create(project_id=project, **values) for project in ("p", "q")]
    server = SimpleNamespace(host=OTHER, project_id="p")
    monkeypatch.setattr(schedule.servers, "load", lambda **_: server)
    kind = VolumeType.objects.create(name="t", extra_specs={"volume_backend_name": backend})
    hints = {hint: named.format(*(row.id for row in rows))}
    volume = begin(backend, 1, volume_type=kind, scheduler_hints=hints)
    if HINTED[case] is None:
        with pytest.raises(NoValidHost):
            schedule._choose_anywhere(volume, [])
    else:
        assert schedule._choose_anywhere(volume, []).host == HINTED[case]


def test_extensions_under_way_count(worker: Worker) -> None:
    """Their size is in no row yet."""
    Pool.objects.filter(backend="ssd").update(total_gib=10, free_gib=10, reserve_gib=0)
    rows = [begin("ssd", 2), begin("ssd", 2)]
    assert worker.work() == ["succeeded", "succeeded"]
    for row in rows:
        row.refresh_from_db()
        volumes.extend(context=CONTEXT, volume=row, new_size=6)
    (use,) = [use for use in pool_selectors.of_backend(backend="ssd") if use.pool.host == HOST]
    assert (use.claimed_gib, use.shortfall(1)) == (12, "has room for 0 GiB of volumes more, not for 1")
    assert worker.work()[2:] == ["failed", "succeeded"]
