"""Migrate and resize: the server is confirmed on its new host or flavor, or comes back; both hosts are left clean."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.common.exceptions import BadRequest, Conflict
from apps.compute import migration_states, states
from apps.compute.exceptions import ImageUnusable
from apps.compute.models import BlockDevice, Flavor, Migration, Server
from apps.compute.selectors import quota_counts
from apps.compute.services import server_moves
from apps.images.models import Image
from apps.operations.consistency import rows
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.models import Limit, Usage
from apps.scheduling import topologies
from apps.scheduling.models import Allocation, Host
from apps.scheduling.selectors import hosts
from apps.workflow.models import Run
from apps.workflow.services.findings import FindingReport
from tests.unit.actions.conftest import ADMIN, HOST, OTHER, OWNER, Moving
from workers.drivers.hypervisor.libvirt.host import DEDICATED_CPUS
from workers.drivers.storage.errors import ImageUnavailable
from workers.host import peers
from workers.host.reconcilers import domains
from workers.host.reconcilers.base import take_snapshot
from workers.periodic.reconcilers import allocations as allocation_reconciler
from workers.system.peers.errors import PeerRefused

pytestmark = pytest.mark.django_db(transaction=True)


def used(name: str) -> tuple[int, int]:
    row = Usage.objects.get(owner_id="p", resource=name)
    return row.in_use, row.reserved


def elsewhere(settings: Any) -> None:
    settings.ALLOW_RESIZE_TO_SAME_HOST = False


@pytest.mark.parametrize("end", ["confirmResize", "revertResize"])
@pytest.mark.parametrize("is_off", [False, True])
def test_migrate(moving: Moving, end: str, is_off: bool) -> None:
    if is_off:
        moving.do("stop")
    on, status = ("", "SHUTOFF") if is_off else ("running", "ACTIVE")
    moving.do("migrate", context=ADMIN)
    server = moving.server
    assert (server.status, server.task_state, server.host) == ("VERIFY_RESIZE", "", OTHER)
    assert moving.where() == {HOST: ("", True, False), OTHER: (on, True, False)}
    assert moving.findings() == []
    assert Allocation.objects.count() == 2 and set(rows.misplaced()) == set()
    moving.do(end)
    server, host = moving.server, OTHER if end == "confirmResize" else HOST
    assert moving.run_state == "succeeded" and (server.status, server.task_state, server.host) == (status, "", host)
    assert [name for name, (power, _, _) in moving.where().items()] == [host] and moving.findings() == []
    assert Allocation.objects.get().host.name == host
    expected = migration_states.CONFIRMED if end == "confirmResize" else migration_states.REVERTED
    assert Migration.objects.get().status == expected


def test_an_image_that_was_deleted(moving: Moving, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's disks lie on it: its host hands it over."""

    def cache_image(*_: Any, **__: Any) -> None:
        raise ImageUnavailable("The image's source refused.", details="HTTP 404")

    storage, server = moving.hosts[OTHER].storage, moving.server
    monkeypatch.setattr(storage, "cache_image", cache_image)
    assert not storage.has_image(server.image_facts["sha512"])
    moving.do("migrate", context=ADMIN)
    assert (moving.server.status, moving.server.host) == ("VERIFY_RESIZE", OTHER)
    assert storage.has_image(server.image_facts["sha512"]) and moving.findings() == []


def test_a_running_server_takes_its_new_processors(moving: Moving) -> None:
    """Its claim on the destination says which, and goes along with it."""
    for name, cpus in ((HOST, [0, 1]), (OTHER, [2, 3])):
        cells = [{"id": 0, "cpus": [*cpus, 7], "memory": 4096, "siblings": [], "pages": {}}]
        Host.objects.filter(name=name).update(
            topology={"dedicated": cpus, "shared": [7], "cells": cells}, traits=[DEDICATED_CPUS]
        )
    specs = {"extra_specs": {"hw:cpu_policy": "dedicated"}}
    Server.objects.update(flavor={**moving.server.flavor, **specs})
    Flavor.objects.filter(flavor_id="7").update(**specs)
    moving.do("live-migration", context=ADMIN)
    claim = Allocation.objects.get()
    assert Migration.objects.get().downtime_ms == 1
    assert (moving.run_state, moving.server.host, claim.host.name) == ("succeeded", OTHER, OTHER)
    [cell] = claim.topology["cells"]  # type: ignore[index]
    assert list(cell["pins"].values()) == [2] and moving.domain_of(OTHER)["cpus"] == [2]
    assert moving.where() == {OTHER: ("running", True, False)} and moving.findings() == []
    for vm_state, is_known in (("error", True), ("shelved", True), ("suspended", False)):  # its claim is lost
        Server.objects.update(vm_state=vm_state, power_state=states.SHUTDOWN)
        Allocation.objects.all().delete()
        allocation_reconciler.reconcile(FindingReport(""))
        assert topologies.is_unknown(Allocation.objects.get().topology or {}) != is_known, vm_state
    with pytest.raises(PeerRefused, match="upgrade that host first"):
        peers._door(moving.drivers, str(moving.id), "arrival")
    assert peers._door(moving.drivers, str(moving.id), "arrival-placed").data == b"{}"


def test_a_server_of_before_has_been_without_what_is_not_offered(moving: Moving) -> None:
    """It moves with its flavor; another server of that flavor is not made, nor is one resized to it."""
    server, specs = moving.server, {"hw:usb_model": "nec-xhci"}
    Server.objects.update(flavor={**server.flavor, "extra_specs": specs}, launched_at=timezone.now())
    Flavor.objects.filter(flavor_id="8").update(extra_specs=specs)
    moving.do("migrate", context=ADMIN)
    assert (moving.server.status, moving.server.host) == ("VERIFY_RESIZE", OTHER)
    moving.do("confirmResize")
    moving.do("resize", flavor_ref="8")
    assert (moving.run_state, moving.server.status, moving.server.flavor["id"]) == ("failed", "ACTIVE", "7")


@pytest.mark.parametrize("end", ["confirmResize", "revertResize", "delete", "resetState"])
@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("flavor", ["8", "9"])
def test_resize(moving: Moving, settings: Any, end: str, same: bool, flavor: str) -> None:
    if same:
        Host.objects.filter(name=OTHER).update(enabled=False)
    else:
        elsewhere(settings)
    moving.do("resize", flavor_ref=flavor, disk_config="AUTO")
    server, larger, host = moving.server, flavor == "8", HOST if same else OTHER
    assert (server.status, server.host, server.flavor["id"]) == ("VERIFY_RESIZE", host, flavor)
    assert (used("cores"), used("ram")) == ((2, 0) if larger else (1, 0), (96, 0) if larger else (64, 0))
    assert moving.size() == (2 if larger else 1) << 30 and server.disk_config == "AUTO"
    assert moving.domain_of(host)["ram_mib"] == (96 if larger else 32)
    kinds = list(BlockDevice.objects.order_by("position").values_list("kind", "size"))
    assert kinds == [("root", 2), ("ephemeral", 1), ("swap", 16)] if larger else [("root", 1), ("ephemeral", 1)]
    assert moving.findings() == [] and Allocation.objects.count() == 2
    moving.do(end, **({"state": "active"} if end == "resetState" else {}))
    if end == "resetState":  # what is left elsewhere, recovery removes
        for drivers in moving.hosts.values():
            domains.reconcile(take_snapshot(drivers, FindingReport(drivers.host), restarted=False))
    assert moving.findings() == []
    if end == "delete":
        assert moving.where() == {} and Allocation.objects.count() == 0 and used("cores") == (0, 0)
        return
    server = moving.server
    goes_back = end == "revertResize"
    assert (server.status, server.flavor["id"]) == ("ACTIVE", "7" if goes_back else flavor)
    assert used("ram") == ((64 if goes_back else 96 if larger else 32), 0)
    assert moving.where() == {HOST if goes_back else host: ("running", True, False)}
    assert Allocation.objects.get().ram_mib == used("ram")[0]
    if goes_back:
        assert moving.size() == 1 << 30
        assert set(BlockDevice.objects.values_list("kind", "size")) == {("root", 1), ("ephemeral", 1), ("swap", 8)}


# the driver's call that fails
@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize(
    ("fault", "when"),
    [("cache_image", "before"), ("stop", "before"), ("receive_server", "inside"), ("keep_server", "inside"),
     ("grow_disk", "before"), ("start", "before"), ("start", "after")],
)  # fmt: skip
def test_a_resize_fails(moving: Moving, settings: Any, same: bool, fault: str, when: str) -> None:
    unused = "receive_server" if same else "keep_server"
    if fault == unused or (same and fault in ("cache_image", "start")):  # its image is there, and so is its revert
        return
    if same:
        Host.objects.filter(name=OTHER).update(enabled=False)
    else:
        elsewhere(settings)
    moving.fail(fault, when=when, host="sim-002") if not same and fault != "stop" else moving.fail(fault, when=when)
    moving.do("resize", flavor_ref="8", disk_config="AUTO")
    moving.fail("")
    server = moving.server
    assert moving.run_state == "failed"
    assert (server.status, server.task_state, server.host, server.flavor["id"]) == ("ACTIVE", "", HOST, "7")
    assert moving.where() == {HOST: ("running", True, False)} and moving.findings() == []
    assert used("cores") == (1, 0) and Allocation.objects.get().host.name == HOST
    assert Migration.objects.get().status == migration_states.ERROR and moving.size() == 1 << 30
    assert server.disk_config == "MANUAL"


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("fault", ["list_servers", "stop", "start"])
def test_a_revert_fails(moving: Moving, settings: Any, same: bool, fault: str) -> None:
    """Before the server is back it stays where it is; then it is off."""
    if same:
        Host.objects.filter(name=OTHER).update(enabled=False)
    else:
        elsewhere(settings)
    moving.do("resize", flavor_ref="8")
    moving.fail("list_kept" if same and fault == "list_servers" else fault)
    moving.do("revertResize")
    moving.fail("")
    status = "SHUTOFF" if fault == "start" else "VERIFY_RESIZE"
    assert (moving.server.status, moving.server.task_state) == (status, "")
    for drivers in moving.hosts.values():
        domains.reconcile(take_snapshot(drivers, FindingReport(drivers.host), restarted=False))
    assert moving.findings() == []
    if fault != "start":
        moving.do("revertResize")
        assert moving.server.status == "ACTIVE"


@pytest.mark.parametrize("same", [False, True])
def test_a_server_without_files(moving: Moving, settings: Any, same: bool) -> None:
    """It boots from a volume: there is nothing to copy."""
    settings.ALLOW_RESIZE_TO_SAME_HOST = same
    Host.objects.filter(name=OTHER).update(enabled=not same)
    moving.drivers.hypervisor.destroy(str(moving.id))
    moving.drivers.storage.remove_server(str(moving.id))
    BlockDevice.objects.exclude(kind="swap").delete()
    Server.objects.update(image_id=None, flavor={**moving.server.flavor, "ephemeral": 0})
    Flavor.objects.update(ephemeral_gib=0)
    for end, status in (("revertResize", "ACTIVE"), ("confirmResize", "ACTIVE")):
        moving.do("resize", flavor_ref="9")
        assert moving.server.status == "VERIFY_RESIZE" and moving.server.host == (HOST if same else OTHER)
        moving.do(end)
        assert (moving.server.status, moving.findings()) == (status, [])


def test_a_confirmation_fails(moving: Moving) -> None:
    moving.do("migrate", context=ADMIN)
    moving.fail("remove_server")
    moving.do("confirmResize")
    moving.fail("")
    assert moving.server.status == "ACTIVE" and Allocation.objects.count() == 1
    source = moving.hosts[HOST]
    domains.reconcile(take_snapshot(source, FindingReport(HOST), restarted=False))
    assert moving.findings() == [] and list(moving.where()) == [OTHER]


def test_what_is_left_outlives_recovery(moving: Moving) -> None:
    moving.do("migrate", context=ADMIN)
    for drivers in moving.hosts.values():
        report = FindingReport(drivers.host)
        domains.reconcile(take_snapshot(drivers, report, restarted=False))
    allocation_reconciler.reconcile(FindingReport(""))
    assert moving.where() == {HOST: ("", True, False), OTHER: ("running", True, False)}
    moving.hosts[HOST].hypervisor.spawn(moving_spec(moving))
    domains.reconcile(take_snapshot(moving.hosts[HOST], FindingReport(HOST), restarted=False))
    assert moving.where()[HOST] == ("", True, False)  # the guest runs once


def moving_spec(moving: Moving) -> Any:
    from workers.mapping import servers

    return servers.prepare(moving.server, moving.hosts[HOST])


def test_deferred_delete_of_a_resized_server(moving: Moving, settings: Any) -> None:
    settings.RECLAIM_INSTANCE_INTERVAL = 100
    Server.objects.update(launched_at=timezone.now())
    moving.do("resize", flavor_ref="8")
    moving.do("delete")
    assert moving.server.status == "SOFT_DELETED" and used("cores") == (0, 0) and moving.findings() == []
    moving.do("restore")
    assert moving.server.status == "VERIFY_RESIZE" and used("cores") == (2, 0) and moving.findings() == []
    moving.do("delete")
    moving.do("resetState", context=ADMIN, state="active")
    assert moving.server.status == "ACTIVE" and used("cores") == (2, 0) and used("ram") == (96, 0)
    Flavor.objects.create(flavor_id="10", name="f10", vcpus=1, ram_mib=32, disk_gib=2, ephemeral_gib=1, swap_mib=0)
    moving.do("resize", flavor_ref="10")
    moving.do("delete")
    moving.do("resetState", context=ADMIN, state="active")
    assert used("cores") == (1, 0) and used("ram") == (32, 0)
    for drivers in moving.hosts.values():
        domains.reconcile(take_snapshot(drivers, FindingReport(drivers.host), restarted=False))
    moving.do("resize", flavor_ref="8")
    moving.do("delete")
    moving.do("forceDelete")
    assert moving.where() == {} and moving.findings() == [] and used("ram") == (0, 0)


def test_confirmed_after_a_time(moving: Moving, settings: Any) -> None:
    moving.do("migrate", context=ADMIN)
    assert server_moves.confirm_due() == 0
    settings.RESIZE_CONFIRM_WINDOW = 60
    assert server_moves.confirm_due() == 0
    Migration.objects.update(updated_at=timezone.now() - timedelta(seconds=61))
    assert server_moves.confirm_due() == 1
    moving.run()
    assert moving.server.status == "ACTIVE" and moving.server.host == OTHER


REFUSED: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("migrate", {"host": "none"}, BadRequest, "could not be found"),
    ("migrate", {"host": HOST}, BadRequest, "where the server exists"),
    ("migrate", {"host": "silent"}, BadRequest, "Compute service of silent is unavailable"),
    ("resize", {"flavor_ref": "none"}, BadRequest, "could not be found"),
    ("resize", {"flavor_ref": "7"}, BadRequest, "must change flavor"),
    ("resize", {"flavor_ref": "zero"}, BadRequest, "zero disk"),
    ("resize", {"flavor_ref": "secret"}, BadRequest, "could not be found"),
    ("resize", {"flavor_ref": "off"}, BadRequest, "flavorRef"),
    ("resize", {"flavor_ref": "thin"}, BadRequest, "never get smaller"),
    ("resize", {"flavor_ref": "small"}, ImageUnusable, "memory"),
    ("resize", {"flavor_ref": "large"}, QuotaExceeded, "cores"),
    ("confirmResize", {}, Conflict, "vm_state active"),
    ("revertResize", {}, Conflict, "vm_state active"),
]


@pytest.mark.parametrize(("action", "arguments", "error", "words"), REFUSED)
def test_refused(moving: Moving, action: str, arguments: Any, error: type[Exception], words: str) -> None:
    Flavor.objects.create(flavor_id="zero", name="zero", vcpus=1, ram_mib=64, ephemeral_gib=1)
    Host.objects.create(name="silent", number=9, heartbeat_at=timezone.now() - timedelta(days=1))
    Image.objects.update(min_ram=32)
    for name, more in (("secret", {"is_public": False}), ("off", {"disabled": True}), ("thin", {"ephemeral_gib": 0}),
                       ("small", {"ram_mib": 16})):  # fmt: skip
        values = {"vcpus": 1, "ram_mib": 64, "disk_gib": 1, "ephemeral_gib": 1, **more}
        Flavor.objects.create(flavor_id=name, name=name, **values)
    Flavor.objects.create(flavor_id="large", name="large", vcpus=9, ram_mib=64, disk_gib=1, ephemeral_gib=1)
    Limit.objects.create(owner_id="p", resource="cores", value=4)
    with pytest.raises(error, match=words):
        moving.do(action, context=ADMIN if action == "migrate" else OWNER, **arguments)
    assert not Migration.objects.exists() and not Run.objects.exists() and used("cores") == (1, 0)
    assert moving.server.task_state == ""


def test_its_own_host_is_down(moving: Moving, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be taken from it; its name is not for users."""
    monkeypatch.setattr(hosts, "is_up", lambda name: name != HOST)
    for action, arguments in (("migrate", {}), ("resize", {"flavor_ref": "8"})):
        with pytest.raises(Conflict, match=r"^Service is unavailable at this time"):
            moving.do(action, context=ADMIN, **arguments)
    assert not Run.objects.exists() and moving.server.task_state == ""


def test_to_a_host_of_ones_choice(moving: Moving) -> None:
    moving.do("migrate", context=ADMIN, host=OTHER)
    assert moving.server.host == OTHER
    moving.do("confirmResize")
    Host.objects.filter(name=HOST).update(enabled=False)
    moving.do("migrate", context=ADMIN, host=HOST)
    assert moving.run_state == "failed" and moving.server.status == "ACTIVE" and moving.findings() == []
    assert quota_counts.recount({}).in_use["p", "cores"] == 1
