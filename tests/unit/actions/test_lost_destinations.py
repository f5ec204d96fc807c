"""Moves whose other host does not answer, or has something of before: no guest is lost, and no old disk comes back."""

from typing import Any

import pytest

from apps.common.exceptions import Conflict
from apps.compute import migration_states
from apps.compute.models import Flavor, Migration, Server
from apps.compute.services import server_actions
from apps.scheduling.models import Host
from apps.workflow.models import Run
from apps.workflow.services import runs
from apps.workflow.services.findings import FindingReport
from tests.unit.actions.conftest import ADMIN, HOST, OTHER, Moving
from workers import routing
from workers.drivers.hypervisor.errors import HypervisorUnavailable, MigrationFailed
from workers.drivers.hypervisor.simulated import SimulatedHypervisor
from workers.drivers.hypervisor.simulated_moves import SimulatedMoves
from workers.host.reconcilers import domains, power
from workers.host.reconcilers.base import take_snapshot
from workers.mapping import servers

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
        monkeypatch.setattr(SimulatedHypervisor, "destroy", lambda driver, key: self.end(driver, destroy, key))

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
