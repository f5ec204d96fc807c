"""Servers whose disks all hosts see: they move without a copy, keep their data, and leave nothing in the pool."""

from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from apps.common.exceptions import Conflict
from apps.compute.models import Migration, Server
from apps.compute.selectors import evacuations
from apps.scheduling.models import Host
from apps.workflow.models import Run
from apps.workflow.services import runs
from apps.workflow.services.findings import FindingReport
from tests.unit.actions.conftest import ADMIN, HOST, OTHER, Acting, Moving
from tests.unit.actions.test_lost_destinations import evacuate
from workers.drivers.storage.simulated_pool import SimulatedPool
from workers.engine.errors import Abort
from workers.host.reconcilers import disks, domains
from workers.host.reconcilers.base import take_snapshot
from workers.mapping import servers
from workers.tasks.servers import moving as steps

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Acting, "storage", "simulated-pool")


@pytest.fixture
def moving(_pool: None, moving: Moving) -> Moving:
    return moving


def pool_of(moving: Moving, host: str = HOST) -> SimulatedPool:
    storage = moving.hosts[host].storage
    assert isinstance(storage, SimulatedPool)
    return storage


def written(moving: Moving) -> int:
    """What the guest has on its root disk; its size stands for the content."""
    return int(pool_of(moving)._there(str(moving.id))["root"]["size_bytes"]) >> 30


def fences(moving: Moving) -> list[str]:
    """The hosts that had others fenced, in order."""
    return list((pool_of(moving)._pool.read("fences", str(moving.id)) or {}).get("by", []))


def recover(moving: Moving, *modules: Any, only: str = "") -> list[int]:
    """Let both hosts compare; return how much each found."""
    found = []
    for drivers in [moving.hosts[only]] if only else moving.hosts.values():
        report = FindingReport(drivers.host)
        for module in modules or (domains, disks):
            module.reconcile(take_snapshot(drivers, report, restarted=False))
        found.append(sum(report.counts.values()))
    return found


@pytest.mark.parametrize(("end", "left"), [("confirmResize", 5), ("revertResize", 3), ("delete", 0)])
def test_a_cold_migration(moving: Moving, end: str, left: int) -> None:
    pool_of(moving).grow_disk(str(moving.id), "root", 3)
    moving.do("migrate", context=ADMIN)
    assert (moving.run_state, moving.server.host, moving.findings()) == ("succeeded", OTHER, [])
    assert recover(moving) == [0, 0] and pool_of(moving).list_kept() == (str(moving.id),)
    assert pool_of(moving, OTHER).list_kept() == () and moving.hosts[OTHER].storage.list_images() == ()
    pool_of(moving, OTHER).grow_disk(str(moving.id), "root", 5)
    moving.do(end)
    assert moving.run_state == "succeeded" and moving.findings() == [] and pool_of(moving).list_kept() == ()
    if end == "delete":
        assert pool_of(moving).list_disks() == () and moving.where() == {}
        return
    assert written(moving) == left and list(moving.where()) == [HOST if end == "revertResize" else OTHER]


@pytest.mark.parametrize("fault", ["receive_server", "start"])
@pytest.mark.parametrize("when", ["before", "inside", "after"])
def test_a_cold_migration_that_fails(moving: Moving, fault: str, when: str) -> None:
    pool_of(moving).grow_disk(str(moving.id), "root", 3)
    moving.fail(fault, when=when, host=OTHER)
    moving.do("migrate", context=ADMIN)
    assert (moving.run_state, moving.server.host, moving.server.status) == ("failed", HOST, "ACTIVE")
    assert moving.findings() == [] and written(moving) == 3 and pool_of(moving).list_kept() == ()
    assert moving.where() == {HOST: ("running", True, False)}


def test_a_revert_without_what_was_kept(moving: Moving) -> None:
    """It is refused before anything changes: the disks are those of the new host."""
    moving.do("migrate", context=ADMIN)
    pool_of(moving).forget_kept(str(moving.id))
    moving.do("revertResize")
    assert (moving.run_state, moving.server.status, moving.server.host) == ("failed", "VERIFY_RESIZE", OTHER)


def test_an_evacuation_keeps_the_data(moving: Moving, settings: Any) -> None:
    settings.ROOT_STORE = "disks"
    assert evacuations.becomes(moving.server) == "with its disk, if that is in the pool"
    pool_of(moving).grow_disk(str(moving.id), "root", 4)
    evacuate(moving, HOST)
    assert (moving.server.host, written(moving), moving.power_at(OTHER)) == (OTHER, 4, "running")
    assert moving.hosts[OTHER].storage.list_images() == ()  # no image was needed
    Host.objects.filter(name=HOST).update(forced_down=False)
    recover(moving)  # the host is back: what it has of the server goes, the disks stay
    assert (written(moving), moving.findings()) == (4, [])
    assert moving.where() == {OTHER: ("running", True, False)}


def test_a_guest_that_is_off_here_keeps_no_lost_host_unfenced(moving: Moving) -> None:
    """Of an earlier move, which nobody has cleared: the lost host's guest may live all the same."""
    key, other = str(moving.id), moving.hosts[OTHER]
    other.storage.take_disks(key)
    other.hypervisor.spawn(servers.prepare(moving.server, other))
    other.hypervisor.stop(key, 0)
    evacuate(moving, HOST)
    assert (moving.server.host, moving.power_at(OTHER), fences(moving)) == (OTHER, "running", [OTHER, OTHER])


def test_a_revert_from_a_dead_host(moving: Moving, monkeypatch: pytest.MonkeyPatch) -> None:
    """That one is fenced before the disks get what was kept, and can write to no volume. It has data of none."""
    fenced: list[str] = []
    monkeypatch.setattr(steps, "fence_volumes", lambda server, source, drivers: fenced.append(source))
    pool_of(moving).grow_disk(str(moving.id), "root", 3)
    moving.do("migrate", context=ADMIN)
    pool_of(moving, OTHER).grow_disk(str(moving.id), "root", 5)
    Host.objects.filter(name=OTHER).update(forced_down=True, forced_down_at=timezone.now())
    with monkeypatch.context() as there:
        there.setattr(evacuations, "has_data_there", lambda server: True)
        with pytest.raises(Conflict, match="data of its volumes"):
            moving.do("revertResize")
    moving.do("revertResize")
    assert (moving.run_state, moving.server.host, written(moving)) == ("succeeded", HOST, 3)
    assert (fenced, fences(moving)) == ([OTHER], [HOST]) and pool_of(moving).list_kept() == ()


def test_a_revert_that_fails_while_the_pool_is_silent(moving: Moving, monkeypatch: pytest.MonkeyPatch) -> None:
    """That nobody knows what is kept does not mean that it was returned."""

    def fall_silent(*_: Any) -> None:
        moving.fail("list_kept", times=2)  # asked by the engine, then by the revert
        raise Abort("No.")

    moving.do("migrate", context=ADMIN)
    monkeypatch.setattr(SimulatedPool, "return_server", fall_silent)
    moving.do("revertResize")
    run = Run.objects.get(pipeline="server.revert_resize", leader_id=None)
    assert run.state == "reverting"
    Run.objects.filter(id=run.id).update(step_state="queued")  # as the sweeper sends it again
    run.refresh_from_db()
    assert runs.resend(run=run)
    moving.run()
    assert (moving.run_state, moving.server.status, moving.server.host) == ("failed", "VERIFY_RESIZE", OTHER)
    assert pool_of(moving).list_kept() == (str(moving.id),)


@pytest.mark.parametrize("actions", [["shelve"], ["shelve", "unshelve"], ["rebuild"]])
def test_disks_that_are_made_again(moving: Moving, settings: Any, tmp_path: Any, actions: list[str]) -> None:
    settings.IMAGE_DIR = tmp_path / "images"
    settings.IMAGE_DIR.mkdir()
    pool_of(moving).grow_disk(str(moving.id), "root", 4)
    for action in actions:
        moving.do(action, **({"imageRef": str(moving.server.image_id)} if action == "rebuild" else {}))
        assert moving.run_state == "succeeded"
    assert moving.findings() == []
    assert (moving.server.host == "") == (pool_of(moving).list_disks() == ())


def test_what_a_lost_host_left_in_the_pool(moving: Moving) -> None:
    """The server is gone, its host has not come back: one other host deletes its disks. Those of servers stay."""
    assert recover(moving) == [0, 0]
    Server.objects.update(host="", vm_state="error")
    assert ["disks" in text for text in moving.findings()].count(True) == 2  # each host sees the pool
    Host.objects.filter(name=HOST).update(forced_down=True)
    assert recover(moving, disks, only=OTHER) == [1]
    assert pool_of(moving).list_disks() == ()


def test_what_is_kept_for_a_host_that_does_not_come_back(moving: Moving) -> None:
    moving.do("migrate", context=ADMIN)
    assert recover(moving, disks, only=OTHER) == [0] and pool_of(moving).list_kept() == (str(moving.id),)
    Migration.objects.update(status="confirmed")
    Server.objects.update(vm_state="active", task_state="")
    assert recover(moving, disks, only=OTHER) == [1] and pool_of(moving).list_kept() == ()


def test_one_host_clears_the_pool(moving: Moving) -> None:
    """While another one does, even if that hangs, its own disks are compared all the same."""
    Server.objects.update(host="", vm_state="error")
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended('compute.pool_of_disks', 0))")
        assert recover(moving, disks) == [0, 0] and pool_of(moving).list_disks() == (str(moving.id),)
    finally:
        other.close()
    assert recover(moving, disks) == [1, 0]


def test_disks_that_are_not_in_the_pool(moving: Moving) -> None:
    pool_of(moving).delete_disks(str(moving.id))
    assert recover(moving, disks) == [1, 0]
    assert [text for text in moving.findings() if "not in the pool" in text] != []


def test_an_earlier_attempt_of_a_build(moving: Moving) -> None:
    """Its disks, by a host that is lost, are not those of the next one."""
    key = str(moving.id)
    moving.drivers.hypervisor.destroy(key)
    pool_of(moving).grow_disk(key, "root", 4)
    steps.clear_pool(key, moving.hosts[OTHER])
    servers.prepare(moving.server, moving.hosts[OTHER])
    assert written(moving) == 1
