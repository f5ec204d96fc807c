"""Moves whose other host does not answer, or has something of before: no guest is lost, and no old disk comes back."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.common.exceptions import Conflict
from apps.compute import migration_states
from apps.compute.actions import ACTIONS
from apps.compute.models import BlockDevice, Flavor, Migration, Server
from apps.compute.selectors import evacuations
from apps.compute.services import drains, server_actions, server_disks, server_moves
from apps.images.models import Image
from apps.scheduling.models import Host
from apps.volumes.models import Volume
from apps.workflow.models import Run
from apps.workflow.services import runs
from apps.workflow.services.findings import FindingReport
from tests.unit.actions.conftest import ADMIN, HOST, OTHER, OWNER, Moving
from workers import routing
from workers.drivers.hypervisor.errors import HypervisorUnavailable, MigrationFailed
from workers.drivers.hypervisor.simulated import SimulatedHypervisor
from workers.drivers.hypervisor.simulated_moves import SimulatedMoves
from workers.drivers.volume.base import VolumeSpec
from workers.host.reconcilers import domains, power
from workers.host.reconcilers.base import take_snapshot
from workers.mapping import servers
from workers.periodic import sweeper

pytestmark = pytest.mark.django_db(transaction=True)


def recover(moving: Moving, host: str) -> None:
    domains.reconcile(take_snapshot(moving.hosts[host], FindingReport(host), restarted=False))


@pytest.mark.parametrize("tries", [1, 3])
def test_a_guest_that_left_is_where_it_went(
    moving: Moving, settings: Any, monkeypatch: pytest.MonkeyPatch, tries: int
) -> None:
    """The destination cannot be asked, and the source has no domain any more: nobody starts the old disks there."""
    settings.MAX_ATTEMPTS = tries
    look = SimulatedMoves.whereabouts

    def asked(self: Any, server_id: str, peer: Any, *, runs: bool) -> Any:
        if self.info(server_id) is None:
            raise MigrationFailed("The host does not answer.")
        return look(self, server_id, peer, runs=runs)

    monkeypatch.setattr(SimulatedMoves, "whereabouts", asked)
    moving.fail("migrate", when="after", error="retryable")
    moving.do("live-migration", context=ADMIN)
    for _ in range(tries - 1):
        moving.retry()
    assert (moving.server.host, moving.server.vm_state, moving.server.task_state) == (OTHER, "active", "")
    assert moving.where()[OTHER][0] == "running" and moving.where().get(HOST, ("",))[0] == ""
    moving.fail("")
    recover(moving, HOST)
    assert list(moving.where()) == [OTHER]


def test_no_state_is_set_while_a_guest_leaves(moving: Moving, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate = SimulatedMoves.migrate

    def asked(self: Any, *arguments: Any) -> Any:
        with pytest.raises(Conflict, match="Abort its live migration first"):
            server_actions.reset_state(context=ADMIN, server=moving.server, state="active")
        return migrate(self, *arguments)

    monkeypatch.setattr(SimulatedMoves, "migrate", asked)
    moving.do("live-migration", context=ADMIN)
    assert (moving.server.host, moving.server.status, moving.findings()) == (OTHER, "ACTIVE", [])


def test_what_may_be_the_only_one_is_left(moving: Moving) -> None:
    """After a live migration that failed, until the host of the server says that it has the guest."""
    moving.hosts[OTHER].hypervisor.spawn(servers.prepare(moving.server, moving.hosts[OTHER]))
    Migration.objects.create(
        server_id=moving.id, type=migration_states.LIVE, status=migration_states.ERROR, source=HOST, destination=OTHER,
        project_id="p", user_id="u", old_flavor=moving.server.flavor, new_flavor=moving.server.flavor,
    )  # fmt: skip
    Server.objects.update(power_state=0)
    recover(moving, OTHER)
    assert moving.power_at(OTHER) == "running"
    Server.objects.update(power_state=1)
    recover(moving, OTHER)
    assert moving.power_at(OTHER) == ""


def test_copies_of_an_earlier_resize_do_not_come_back(moving: Moving) -> None:
    Host.objects.filter(name=OTHER).update(enabled=False)
    Flavor.objects.create(flavor_id="10", name="f10", vcpus=1, ram_mib=96, disk_gib=2, ephemeral_gib=1, swap_mib=16)
    moving.do("resize", flavor_ref="8")
    moving.do("resetState", context=ADMIN, state="active")
    moving.do("resize", flavor_ref="10")
    moving.do("revertResize")
    assert moving.server.status == "ACTIVE" and moving.size() == 2 << 30


class Lost:
    """A host that goes away just after the start of a guest: silent, or out of its agent's reach."""

    def __init__(self, moving: Moving, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
        self.moving, self.host = moving, host
        self.is_lost: bool | None = None
        start, spawn, destroy = (getattr(SimulatedHypervisor, name) for name in ("start", "spawn", "destroy"))
        monkeypatch.setattr(SimulatedHypervisor, "start", lambda driver, spec: self.begin(driver, start, spec))
        monkeypatch.setattr(SimulatedHypervisor, "spawn", lambda driver, spec: self.begin(driver, spawn, spec))
        monkeypatch.setattr(SimulatedHypervisor, "destroy", lambda driver, key, **_: self.end(driver, destroy, key))

    def is_here(self, driver: Any) -> bool:
        return driver is self.moving.hosts[self.host].hypervisor

    def begin(self, driver: Any, work: Any, spec: Any) -> None:
        work(driver, spec)
        if self.is_here(driver) and self.is_lost is None:
            self.is_lost = True
            self.leave()

    def leave(self) -> None:
        lose_host(elsewhere=True)

    def end(self, driver: Any, work: Any, key: str) -> None:
        if self.is_lost and self.is_here(driver):
            raise HypervisorUnavailable("The hypervisor does not answer.")
        work(driver, key)


def lose_host(*, elsewhere: bool) -> None:
    """The host of the run that is under way goes down."""
    run = Run.objects.get(state="running")
    assert runs.order_revert(
        run=run, cause="HostDown", message="The host went down.", retrying=elsewhere, queue=routing.DETACHED_QUEUE
    )


class Silent(Lost):
    def leave(self) -> None:
        raise HypervisorUnavailable("The hypervisor does not answer.")


@pytest.mark.parametrize("way", [Lost, Silent])
@pytest.mark.parametrize("action", ["migrate", "resize", "unshelve", "evacuate"])
def test_a_guest_that_may_run_is_where_it_was_started(
    moving: Moving, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, way: type[Lost], action: str
) -> None:
    """It never runs on two hosts: once the destination may have started it, it is there until that says otherwise."""
    settings.MAX_ATTEMPTS, settings.ALLOW_RESIZE_TO_SAME_HOST = 3, False
    settings.IMAGE_DIR = tmp_path / "images"
    settings.IMAGE_DIR.mkdir()
    if action == "unshelve":
        moving.do("shelve")
    if action == "evacuate":
        Host.objects.filter(name=HOST).update(forced_down=True)
    lost = way(moving, monkeypatch, OTHER)
    how = {"resize": {"flavor_ref": "8"}, "unshelve": {"host": OTHER}}.get(action, {})
    moving.do(action, context=ADMIN, **how)
    lost.is_lost = False
    server = moving.server
    status = "VERIFY_RESIZE" if action in ("migrate", "resize") else "ACTIVE"
    assert (server.status, server.task_state, server.host, server.power_state) == (status, "", OTHER, 0)
    assert moving.run_state == "succeeded" and moving.where()[OTHER] == ("running", True, False)
    for host, drivers in moving.hosts.items():
        power.reconcile(take_snapshot(drivers, FindingReport(host), restarted=False))
        recover(moving, host)
    assert moving.where().get(HOST, ("",))[0] == "" and moving.findings() == []
    assert (moving.server.status, moving.server.power_state) == (status, 1)
    for host, drivers in moving.hosts.items():
        power.reconcile(take_snapshot(drivers, FindingReport(host), restarted=False))
    assert moving.server.shelved_image_id is None
    assert not Image.objects.filter(deleted_at=None, name__endswith="-shelved").exists()
    if status == "VERIFY_RESIZE":
        moving.do("revertResize")
        assert (moving.server.status, moving.server.host, moving.findings()) == ("ACTIVE", HOST, [])


@pytest.mark.parametrize("way", ["lost", "silent", "refused"])
def test_a_server_whose_disks_returned_has_returned(
    moving: Moving, settings: Any, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """On its own host: no guest starts with the new flavor on the disks of before."""
    Host.objects.filter(name=OTHER).update(enabled=False)
    moving.do("resize", flavor_ref="8")
    settings.MAX_ATTEMPTS = 3 if way == "silent" else 1
    storage = moving.drivers.storage
    back = storage.return_server

    def returned(key: str) -> None:
        back(key)
        if way == "lost":
            lose_host(elsewhere=False)
        elif Run.objects.get(state="running").steps.filter(name="return_to_source").count() == 1:
            raise HypervisorUnavailable("The host does not answer.")

    monkeypatch.setattr(storage, "return_server", returned)
    moving.do("revertResize")
    if way == "silent":
        moving.retry()
    moving.recover()
    server = moving.server
    assert (server.status, server.task_state, server.power_state) == ("ACTIVE", "", 1)
    assert (server.flavor["id"], moving.size(), moving.domain_of(HOST)["ram_mib"]) == ("7", 1 << 30, 64)
    assert moving.findings() == [] and Migration.objects.get().status == migration_states.REVERTED


def evacuate(moving: Moving, host: str) -> None:
    """The server's host dies; it is made again on the other one."""
    Host.objects.filter(name=host).update(forced_down=True)
    moving.do("evacuate", context=ADMIN)
    Host.objects.filter(name=host).update(forced_down=False)
    assert moving.run_state == "succeeded" and moving.server.host != host


def test_a_host_that_is_forced_down_starts_no_guest(moving: Moving) -> None:
    moving.drivers.hypervisor.stop(str(moving.id), 0)
    Host.objects.filter(name=HOST).update(forced_down=True)
    moving.recover(restarted=True)
    assert moving.power == "shutdown" and (moving.server.status, moving.server.power_state) == ("ACTIVE", 0)
    Host.objects.filter(name=HOST).update(forced_down=False)
    moving.recover()
    assert moving.power == "running" and (moving.server.status, moving.server.power_state) == ("ACTIVE", 1)


def test_what_a_rebuild_left_is_left_on_the_dead_host(moving: Moving) -> None:
    Server.objects.update(rebuild=server_disks.APPLIED, vm_state="error")
    evacuate(moving, HOST)
    drivers = moving.hosts[OTHER]
    power.reconcile(take_snapshot(drivers, FindingReport(OTHER), restarted=False))
    assert moving.server.rebuild is None and moving.where()[OTHER] == ("running", True, False)


def test_files_of_an_earlier_life_are_not_used(moving: Moving) -> None:
    servers.prepare(moving.server, moving.hosts[OTHER])
    moving.hosts[OTHER].storage.grow_disk(str(moving.id), "root", 9)
    before = moving.server.launched_at
    evacuate(moving, HOST)
    assert moving.size() == 1 << 30
    launched = moving.server.launched_at
    assert launched is not None and launched != before, "it counts as launched anew, as Nova's do"


def test_an_unshelved_server_is_made_again_from_its_image(
    moving: Moving, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IMAGE_DIR = tmp_path / "images"
    settings.IMAGE_DIR.mkdir()
    settings.MAX_ATTEMPTS = 3
    moving.do("shelve")
    lost = Lost(moving, monkeypatch, OTHER)
    moving.do("unshelve", context=ADMIN, host=OTHER)
    lost.is_lost = False
    shelved = moving.server.shelved_image_id
    unpacked: list[str] = []
    storage = moving.hosts[HOST].storage
    unpack = storage.unpack_root

    def unpacked_root(key: str, image: Any, *rest: Any) -> None:
        unpacked.append(image.path)
        unpack(key, image, *rest)

    monkeypatch.setattr(storage, "unpack_root", unpacked_root)
    evacuate(moving, OTHER)
    assert shelved is not None and len(unpacked) == 1
    moving.recover()
    assert moving.server.shelved_image_id is None and moving.power_at(HOST) == "running"


def test_nobody_confirms_what_cannot_be_seen(moving: Moving, settings: Any) -> None:
    moving.do("migrate", context=ADMIN)
    settings.RESIZE_CONFIRM_WINDOW = 1
    Migration.objects.update(updated_at=timezone.now() - timedelta(seconds=61))
    Server.objects.update(power_state=0)
    assert server_moves.confirm_due() == 0
    drains._confirm_one(Migration.objects.get())
    Server.objects.update(power_state=1)
    assert moving.server.status == "VERIFY_RESIZE" and server_moves.confirm_due() == 1


@pytest.mark.parametrize("devices", [["swap"], ["ephemeral", "swap"]])
def test_a_return_without_a_root_disk(moving: Moving, monkeypatch: pytest.MonkeyPatch, devices: list[str]) -> None:
    """Booted from a volume, resized on its host: what the larger flavor brought goes, what it had comes back."""
    Host.objects.filter(name=OTHER).update(enabled=False)
    key, storage = str(moving.id), moving.drivers.storage
    moving.drivers.hypervisor.destroy(key)
    storage.remove_server(key)
    BlockDevice.objects.exclude(kind__in=devices).delete()
    flavor = {**moving.server.flavor, "ephemeral": int("ephemeral" in devices)}
    Server.objects.update(image_id=None, flavor=flavor)
    moving.drivers.hypervisor.spawn(servers.prepare(moving.server, moving.drivers))
    Flavor.objects.filter(flavor_id="8").update(ephemeral_gib=2)
    moving.do("resize", flavor_ref="8")
    assert moving.size("ephemeral0") == 2 << 30
    back = storage.return_server

    def returned(server_id: str) -> None:
        back(server_id)
        if devices != ["swap"]:
            lose_host(elsewhere=False)

    monkeypatch.setattr(storage, "return_server", returned)
    moving.do("revertResize")
    moving.recover()
    assert (moving.server.status, moving.server.flavor["ephemeral"]) == ("ACTIVE", len(devices) - 1)
    sizes = {name: disk["size_bytes"] for name, disk in moving.files().items() if name.startswith("ephemeral")}
    assert sizes == ({} if devices == ["swap"] else {"ephemeral0": 1 << 30}) and moving.findings() == []


@pytest.mark.parametrize("action", ["migrate", "resize"])
def test_a_revert_from_a_dead_host(moving: Moving, settings: Any, action: str) -> None:
    """A silent host may run the guest: the server stays. One that is declared dead removes it when it is back."""
    settings.ALLOW_RESIZE_TO_SAME_HOST, settings.MAX_ATTEMPTS = False, 1
    moving.do(action, context=ADMIN, **({"flavor_ref": "8"} if action == "resize" else {}))
    moving.fail("stop", error="retryable")
    moving.do("revertResize")
    assert (moving.server.status, moving.server.host, moving.run_state) == ("VERIFY_RESIZE", OTHER, "failed")
    moving.fail("")
    Host.objects.filter(name=OTHER).update(forced_down=True, forced_down_at=timezone.now())
    assert set(evacuations.reasons(host=OTHER, since=None, everything=True).values()) == {evacuations.RESIZED}
    stopped: list[str] = []
    moving.hosts[OTHER].hypervisor.stop = lambda key, seconds: stopped.append(key)  # type: ignore[method-assign]
    moving.do("revertResize")
    server = moving.server
    assert (server.status, server.host, server.flavor["id"]) == ("ACTIVE", HOST, "7")
    assert moving.run_state == "succeeded" and not stopped
    assert moving.where()[HOST] == ("running", True, False) and Migration.objects.get().status == "reverted"
    recover(moving, OTHER)
    Host.objects.filter(name=OTHER).update(forced_down=False)
    assert list(moving.where()) == [HOST] and moving.findings() == []


def test_recovery_alone_returns_a_server_without_the_larger_flavors_disks(moving: Moving) -> None:
    Host.objects.filter(name=OTHER).update(enabled=False)
    BlockDevice.objects.exclude(kind="root").delete()
    Server.objects.update(flavor={**moving.server.flavor, "ephemeral": 0, "swap": 0})
    moving.drivers.hypervisor.stop(str(moving.id), 0)
    moving.drivers.storage.remove_disk(str(moving.id), "ephemeral0")
    moving.do("resize", flavor_ref="8")
    assert {"ephemeral0", "swap"} <= set(moving.files())
    moving.drivers.hypervisor.destroy(str(moving.id))
    moving.drivers.storage.return_server(str(moving.id))
    moving.recover()
    assert (
        moving.server.status == "ACTIVE"
        and not {"ephemeral0", "swap"} & set(moving.files())
        and moving.findings() == []
    )


def test_a_volume_is_detached_from_a_dead_host(moving: Moving) -> None:
    """By the rows alone: nothing runs there, and the volume is needed elsewhere."""
    volume = Volume.objects.create(name="v", size=1, status="available", project_id="p", user_id="u", host=HOST)
    moving.drivers.volume.create_volume(VolumeSpec(str(volume.id), 1))
    moving.do("attach_volume", volume_id=str(volume.id))
    Host.objects.filter(name=HOST).update(
        forced_down=True, forced_down_at=timezone.now(), heartbeat_at=timezone.now() - timedelta(minutes=5)
    )
    server = Server.objects.get(id=moving.id)
    server_actions.perform(
        context=OWNER, server=server, action=ACTIONS["detach_volume"], arguments={"volume_id": volume.id}
    )
    moving.queues.clear()  # nobody serves them
    Run.objects.filter(state="queued").update(enqueued_at=timezone.now() - timedelta(minutes=1))
    sweeper.sweep()
    moving.run()
    volume.refresh_from_db()
    assert (volume.status, moving.server.task_state, moving.run_state) == ("available", "", "succeeded")
