"""Each action ends in a state that is true on the host, whether it succeeds, fails or loses its host."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.compute import states
from apps.compute.actions import REBUILD, RESTORE
from apps.compute.exceptions import WrongState
from apps.compute.models import Server
from apps.compute.selectors import quota_counts
from apps.compute.selectors import servers as selectors
from apps.compute.services import server_actions, soft_deletes
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.models import Limit, Usage
from apps.workflow.models import Run
from apps.workflow.services import cancellation
from tests.unit.actions.conftest import ADMIN, OWNER, Acting, make_image
from workers.drivers.hypervisor.base import DiskSpec
from workers.host.reconcilers import power
from workers.host.reconcilers.base import take_snapshot
from workers.host.reconcilers.unfinished import is_unfinished
from workers.mapping import rescues

pytestmark = pytest.mark.django_db(transaction=True)
STOPPED, RESCUED = [("stop", {})], [("rescue", {})]


# actions before, the action, then (status, the guest's state on its host)
@pytest.mark.parametrize(
    ("before", "action", "arguments", "status", "power_state"),
    [
        ([], "pause", {}, "PAUSED", "paused"),
        ([("pause", {})], "unpause", {}, "ACTIVE", "running"),
        ([], "suspend", {}, "SUSPENDED", "suspended"),
        ([("suspend", {})], "resume", {}, "ACTIVE", "running"),
        ([("suspend", {})], "reboot", {"hard": True}, "ACTIVE", "running"),
        ([("pause", {})], "reboot", {"hard": True}, "ACTIVE", "running"),
        ([], "trigger_crash_dump", {}, "ACTIVE", "running"),
        ([("pause", {})], "trigger_crash_dump", {}, "PAUSED", "paused"),
        ([], "rescue", {}, "RESCUE", "running"),
        (STOPPED, "rescue", {}, "RESCUE", "running"),
        (RESCUED, "unrescue", {}, "ACTIVE", "running"),
        ([*STOPPED, *RESCUED], "unrescue", {}, "ACTIVE", "running"),
    ],
)
def test_an_action_succeeds(
    acting: Acting, before: list[Any], action: str, arguments: Any, status: str, power_state: str
) -> None:
    for earlier, values in before:
        acting.do(earlier, **values)
    acting.do(action, **arguments)
    assert acting.run_state == "succeeded"
    assert (acting.server.status, acting.server.task_state, acting.power) == (status, "", power_state)
    assert not power.differs(acting.server, acting.power)


# action, the driver's call that fails, then (status, the guest's state)
@pytest.mark.parametrize(
    ("before", "action", "fault", "when", "status", "power_state"),
    [
        ([], "pause", "pause", "before", "ACTIVE", "running"),
        ([], "pause", "pause", "after", "PAUSED", "paused"),
        ([], "suspend", "suspend", "inside", "ACTIVE", "running"),
        ([], "suspend", "suspend", "after", "SUSPENDED", "suspended"),
        ([("suspend", {})], "resume", "resume", "before", "SUSPENDED", "suspended"),
        ([], "trigger_crash_dump", "inject_nmi", "before", "ACTIVE", "running"),
        ([], "rescue", "create_rescue", "before", "ACTIVE", "running"),
        ([], "rescue", "stop", "before", "ACTIVE", "running"),
        (STOPPED, "rescue", "create_config_drive", "before", "SHUTOFF", "shutdown"),
        (RESCUED, "unrescue", "create_config_drive", "before", "RESCUE", "running"),
        (RESCUED, "unrescue", "hard_reboot", "before", "RESCUE", "running"),
    ],
)
def test_an_action_fails(
    acting: Acting, before: list[Any], action: str, fault: str, when: str, status: str, power_state: str
) -> None:
    for earlier, values in before:
        acting.do(earlier, **values)
    acting.fail(fault, when=when)
    acting.do(action)
    acting.fail("")
    server = acting.server
    assert acting.run_state == "failed"
    assert (server.status, server.task_state, acting.power) == (status, "", power_state)
    assert not power.differs(server, acting.power) and not is_unfinished(server)
    assert ("rescue" in acting.files()) == (server.vm_state == states.RESCUED) == (server.rescue is not None)


def test_a_rescued_server_is_deleted_or_unrescued(acting: Acting) -> None:
    acting.do("rescue")
    image = {"imageRef": str(acting.server.image_id)}
    for action in ("pause", "suspend", "reboot", "rebuild", "rescue", "stop", "start"):
        values = {"rebuild": image, "reboot": {"hard": True}}.get(action, {})
        with pytest.raises(WrongState, match="vm_state rescued"):
            acting.do(action, **values)
    acting.do("delete")
    assert acting.power is None and not acting.drivers.storage.list_servers()


def test_the_config_drive_of_a_server_with_many_disks() -> None:
    """Of before its name was kept free: no disk of the rescue gets its name."""
    disks = [DiskSpec(f"sd{letter}", "/x", "qcow2", bus="scsi") for letter in "abcdefg"]
    drive = DiskSpec("sdh", "/c", "iso", device="cdrom", bus="scsi", readonly=True)
    names = [disk.target for disk in rescues.arrange([*disks, drive], DiskSpec("vda", "/r", "qcow2"), {}, {})]
    assert len(set(names)) == len(names) == 9 and names[-1] == "sdh"


# properties of the rescue image -> the guest's disks by target
@pytest.mark.parametrize(
    ("properties", "disks"),
    [
        ({}, {"vda": "rescue", "vdb": "root", "vdc": "ephemeral0", "vdd": "swap", "sdg": "config-2"}),
        (
            {"hw_rescue_bus": "virtio"},
            {"vda": "root", "vdb": "ephemeral0", "vdc": "swap", "sdg": "config-2", "vdd": "rescue"},
        ),
        (
            {"hw_rescue_device": "cdrom", "hw_rescue_bus": "scsi"},
            {"vda": "root", "vdb": "ephemeral0", "vdc": "swap", "sdg": "config-2", "sda": "rescue"},
        ),
        (
            {"hw_rescue_device": "disk", "hw_rescue_bus": "usb"},
            {"vda": "root", "vdb": "ephemeral0", "vdc": "swap", "sdg": "config-2", "sda": "rescue"},
        ),
    ],
)
def test_the_disks_of_a_rescue(acting: Acting, properties: dict[str, str], disks: dict[str, str]) -> None:
    usual, image = acting.disks(), make_image("tools", **properties)
    password = acting.do("rescue", image_ref=str(image.id), admin_password="s3cret")
    assert password == "s3cret" and acting.server.admin_password == ""
    assert acting.disks() == disks
    assert acting.files()["rescue"]["backing_path"].endswith(image.os_hash_value)
    acting.do("unrescue")
    assert acting.disks() == usual and "rescue" not in acting.files() and acting.server.rescue is None


def test_a_rebuild_makes_the_disks_again(acting: Acting) -> None:
    Server.objects.update(metadata={"a": "1"}, key_name="old", launched_at=None)
    image = make_image("second", hw_disk_bus="scsi")
    answer = acting.do("rebuild", imageRef=str(image.id), row={"name": "new", "metadata": {"b": "2"}}, adminPass="pw")
    assert answer.server.name == "new" and answer.admin_password == "pw"
    server = acting.server
    assert (server.status, server.name, server.metadata, server.key_name) == ("ACTIVE", "new", {"b": "2"}, "old")
    assert (server.image_id, server.rebuild, server.admin_password) == (image.id, None, "")
    assert server.launched_at is not None and server.root_device_name == "/dev/sda"
    assert acting.power == "running"
    assert acting.disks() == {"sda": "root", "sdb": "ephemeral0", "sdc": "swap", "sdg": "config-2"}
    assert acting.files()["root"]["backing_path"].endswith(image.os_hash_value)


def test_a_stopped_server_is_rebuilt_without_a_boot(acting: Acting) -> None:
    acting.do("stop")
    image = make_image("second")
    acting.do("rebuild", imageRef=str(image.id))
    assert (acting.server.status, acting.power) == ("SHUTOFF", None)
    assert acting.files()["root"]["backing_path"].endswith(image.os_hash_value)
    acting.do("start")
    assert (acting.server.status, acting.power) == ("ACTIVE", "running")


@pytest.mark.parametrize("fault", ["hard_reboot", "create_config_drive"])
def test_a_rescue_that_cannot_be_undone_is_ended_by_recovery(acting: Acting, fault: str) -> None:
    acting.fail(fault)
    acting.do("rescue")
    assert (acting.server.status, acting.run_state) == ("ACTIVE", "failed") and is_unfinished(acting.server)
    acting.fail("")
    power.reconcile(take_snapshot(acting.drivers, Report(), restarted=False))
    assert (acting.server.status, acting.power, acting.server.rescue) == ("ACTIVE", "running", None)
    assert acting.disks()["vda"] == "root" and "rescue" not in acting.files()


@pytest.mark.parametrize(
    ("fault", "status"),
    [("cache_image", "ACTIVE"), ("remove_disk", "ERROR"), ("create_root", "ERROR"), ("spawn", "ERROR")],
)
def test_a_rebuild_fails(acting: Acting, fault: str, status: str) -> None:
    """Before the disks are touched nothing has changed; after it, a rebuild or a hard reboot makes them again."""
    before, image = acting.server, make_image("second")
    acting.fail(fault, when="before")
    acting.do("rebuild", imageRef=str(image.id), row={"name": "new"})
    acting.fail("")
    server = acting.server
    assert (server.status, server.task_state) == (status, "")
    if status == "ACTIVE":
        assert (server.name, server.image_id, server.rebuild, acting.power) == ("s", before.image_id, None, "running")
        return
    assert (server.name, server.image_id) == ("new", image.id) and "Try again" in server.fault_message
    power.reconcile(take_snapshot(acting.drivers, Report(), restarted=False))
    assert not is_unfinished(acting.server)
    acting.do("reboot", hard=True)
    assert (acting.server.status, acting.power) == ("ACTIVE", "running")
    assert acting.files()["root"]["backing_path"].endswith(image.os_hash_value)


def test_a_rebuild_of_an_image_that_nobody_can_verify(acting: Acting) -> None:
    before, image = acting.server, make_image("second")
    acting.do("rebuild", imageRef=str(image.id), row={"trusted_image_certificates": ["a"]})
    run = Run.objects.latest("created_at")
    assert run.state == "failed" and "no key manager" in run.error_message
    server = acting.server
    assert (server.status, server.image_id, server.trusted_image_certificates) == ("ACTIVE", before.image_id, None)


class Report:
    """Findings go nowhere."""

    def repaired(self, *_: Any, **__: Any) -> None:
        pass

    remains = repaired


@pytest.mark.parametrize(("before", "status"), [([], "ACTIVE"), (STOPPED, "SHUTOFF")])
def test_a_rescue_that_lost_its_host_is_ended_by_recovery(acting: Acting, before: list[Any], status: str) -> None:
    """The run is reverted on the rows alone while the guest runs from its rescue disk."""
    for earlier, values in before:
        acting.do(earlier, **values)
    acting.do("rescue")
    vm_state = states.STOPPED if before else states.ACTIVE
    Server.objects.update(vm_state=vm_state, power_state=states.NOSTATE)
    assert is_unfinished(acting.server) and acting.disks()["vda"] == "rescue"
    power.reconcile(take_snapshot(acting.drivers, Report(), restarted=False))
    assert (acting.server.status, acting.server.rescue) == (status, None)
    assert not power.differs(acting.server, acting.power) and "rescue" not in acting.files()
    if not before:
        assert acting.disks()["vda"] == "root"


def test_a_rescued_guest_comes_back_after_a_restart_of_its_machine(acting: Acting) -> None:
    acting.do("rescue")
    acting.drivers.hypervisor.stop(str(acting.id), 0)
    power.reconcile(take_snapshot(acting.drivers, Report(), restarted=False))
    assert (acting.server.status, acting.server.power_state) == ("RESCUE", states.SHUTDOWN)
    Server.objects.update(power_state=states.RUNNING)
    power.reconcile(take_snapshot(acting.drivers, Report(), restarted=True))
    assert (acting.server.status, acting.power, acting.disks()["vda"]) == ("RESCUE", "running", "rescue")


def test_saved_memory_survives_a_restart_of_the_machine(acting: Acting) -> None:
    acting.do("suspend")
    boots = acting.domain()["boots"]
    power.reconcile(take_snapshot(acting.drivers, Report(), restarted=True))
    assert (acting.server.status, acting.power) == ("SUSPENDED", "suspended")
    acting.do("resume")
    assert acting.domain()["boots"] == boots, "it was continued, not booted"


def test_a_rebuild_is_cancelled_while_its_image_comes(acting: Acting) -> None:
    image = make_image("second")
    server = acting.server
    server_actions.perform(context=ADMIN, server=server, action=REBUILD, arguments={"imageRef": str(image.id)})
    assert acting.server.status == "REBUILD"
    run = Run.objects.get(pipeline="server.rebuild")
    cancellation.cancel(run=run, message="No.", queue="")
    acting.run()
    assert (acting.server.status, acting.server.rebuild, acting.power) == ("ACTIVE", None, "running")


@pytest.fixture
def quota(acting: Acting, settings: Any) -> Any:
    """Deletes are deferred; the server counts against its project's quota. Returns what is in use and reserved."""
    settings.RECLAIM_INSTANCE_INTERVAL = 3600
    Server.objects.update(launched_at=timezone.now())
    for resource, amount in selectors.usage(acting.server).items():
        Usage.objects.create(owner_id="p", resource=resource, in_use=amount)

    def read() -> tuple[int, int]:
        usage = Usage.objects.get(owner_id="p", resource="cores")
        recount = quota_counts.recount({})
        assert recount.in_use["p", "cores"] == usage.in_use, "quota_verify agrees"
        return usage.in_use, usage.reserved

    return read


@pytest.mark.parametrize("before", [[], STOPPED, RESCUED, [("pause", {})], [("suspend", {})]])
def test_a_deleted_server_waits_and_is_restored(acting: Acting, quota: Any, before: list[Any]) -> None:
    for earlier, values in before:
        acting.do(earlier, **values)
    acting.do("delete")
    server = acting.server
    assert (server.status, server.task_state) == ("SOFT_DELETED", "") and server.soft_deleted_at is not None
    assert acting.power in ("shutdown", "suspended") and quota() == (0, 0)
    acting.do("delete")
    for action in ("start", "pause", "rescue"):
        with pytest.raises(WrongState, match="vm_state soft-delete"):
            acting.do(action)
    power.reconcile(take_snapshot(acting.drivers, Report(), restarted=True))
    assert acting.server.status == "SOFT_DELETED" and acting.power in ("shutdown", "suspended")
    acting.do("restore")
    assert (acting.server.status, acting.power, acting.server.soft_deleted_at) == ("ACTIVE", "running", None)
    assert quota() == (1, 0) and acting.disks()["vda"] == "root" and "rescue" not in acting.files()


def test_a_restore_fails(acting: Acting, quota: Any) -> None:
    acting.do("delete")
    acting.fail("start", when="after")
    acting.do("restore")
    acting.fail("")
    assert (acting.server.status, acting.run_state, acting.power) == ("SOFT_DELETED", "failed", "shutdown")
    assert quota() == (0, 0)
    Limit.objects.create(owner_id="p", resource="cores", value=0)
    with pytest.raises(QuotaExceeded):
        acting.do("restore")
    assert acting.server.task_state == "" and quota() == (0, 0)


def test_a_soft_delete_fails_or_finds_its_host_down(acting: Acting, quota: Any) -> None:
    acting.fail("stop")
    acting.do("delete")
    acting.fail("")
    assert (acting.server.status, acting.power, acting.run_state) == ("ACTIVE", "running", "failed")
    assert quota() == (1, 0)
    Server.objects.update(vm_state=states.SOFT_DELETED)
    power.reconcile(take_snapshot(acting.drivers, Report(), restarted=False))
    assert acting.power == "shutdown", "the host powers it off when it is back"


def test_reclaim_and_force_delete(acting: Acting, quota: Any, settings: Any) -> None:
    acting.do("delete")
    assert soft_deletes.reclaim() == 0
    Server.objects.update(soft_deleted_at=timezone.now() - timedelta(seconds=3601))
    assert soft_deletes.reclaim() == 1
    acting.run()
    assert acting.server.status == "DELETED" and acting.power is None and quota() == (0, 0)
    assert not acting.drivers.storage.list_servers()


def test_nothing_waits_where_deletes_are_not_deferred_any_more(acting: Acting, quota: Any, settings: Any) -> None:
    acting.do("delete")
    settings.RECLAIM_INSTANCE_INTERVAL = 0
    assert soft_deletes.reclaim() == 1
    acting.run()
    assert acting.server.status == "DELETED" and quota() == (0, 0)


@pytest.mark.parametrize("seconds", [3600, 0])
def test_a_delete_during_a_restore(acting: Acting, quota: Any, settings: Any, seconds: int) -> None:
    acting.do("delete")
    server_actions.perform(context=OWNER, server=acting.server, action=RESTORE)
    assert quota() == (0, 1)
    settings.RECLAIM_INSTANCE_INTERVAL = seconds
    acting.do("delete")
    assert acting.server.status == ("SOFT_DELETED" if seconds else "DELETED") and quota() == (0, 0)
    assert acting.power in ("shutdown", None)


def test_a_reset_brings_the_usage_back(acting: Acting, quota: Any) -> None:
    acting.do("delete")
    acting.do("resetState", context=ADMIN, state="active")
    assert quota() == (1, 0) and acting.server.soft_deleted_at is None
    acting.do("forceDelete", action="forceDelete")
    assert quota() == (0, 0)


def test_a_force_delete_that_fails_during_a_restore(acting: Acting, quota: Any) -> None:
    acting.do("delete")
    server_actions.perform(context=OWNER, server=acting.server, action=RESTORE)
    acting.fail("destroy")
    acting.do("forceDelete", action="forceDelete")
    acting.fail("")
    assert acting.server.status == "SOFT_DELETED" and quota() == (0, 0)
    acting.do("forceDelete", action="forceDelete")
    assert acting.server.status == "DELETED" and quota() == (0, 0)


def test_a_force_delete_waits_for_nothing(acting: Acting, quota: Any) -> None:
    acting.do("forceDelete", action="forceDelete")
    assert acting.server.status == "DELETED" and quota() == (0, 0)


def test_a_server_that_never_was_active_is_deleted_at_once(acting: Acting, quota: Any) -> None:
    Server.objects.update(launched_at=None)
    acting.do("delete")
    assert acting.server.status == "DELETED" and quota() == (0, 0)
