"""Moves whose other host does not answer, or has something of before: no guest is lost, and no old disk comes back."""

from typing import Any

import pytest

from apps.common.exceptions import Conflict
from apps.compute import migration_states
from apps.compute.models import Flavor, Migration, Server
from apps.compute.services import server_actions
from apps.scheduling.models import Host
from apps.workflow.services.findings import FindingReport
from tests.unit.actions.conftest import ADMIN, HOST, OTHER, Moving
from workers.drivers.hypervisor.errors import MigrationFailed
from workers.drivers.hypervisor.simulated_moves import SimulatedMoves
from workers.host.reconcilers import domains
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
