"""How the matrix starts each pipeline: what its subject needs before, and how it is left."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.compute.actions import ACTIONS, ServerAction
from tests.cloud import Cloud
from tests.matrix import volumes
from tests.matrix.cells import FIRST, SECOND
from tests.matrix.moments import INSIDE, Moment

if TYPE_CHECKING:
    from tests.matrix.batches import Case

Act = Callable[[Cloud, "Case"], None]


@dataclass(frozen=True)
class Way:
    """``ready`` prepares a subject of the kind's usual state, ``start`` starts the pipeline (one that creates makes its
    subject), ``end`` is the state after it, ``failed`` that after one that failed; "" for the usual one. A pipeline
    that releases leaves none.
    """

    ready: Act
    start: Act
    end: str = ""
    failed: str = ""

    def end_of(self, state: str) -> str:
        return self.failed if state == "failed" else self.end


def _build(cloud: Cloud, case: "Case") -> None:
    """Use a separate image: one that a host has in its cache is not fetched. Each second one boots from a volume that
    it makes, where that does not take the step's work away.
    """
    image = cloud.image(case.name)
    if case.cell.step == "fetch_image" or zlib.crc32(case.name.encode()) & 1:
        case.subject = cloud.create(case.name, imageRef=image)
    else:
        case.subject = _boot_from_volume(cloud, case.name, image)


def _ignore(_key: str) -> None:
    """It is found by its name."""


def _make(cloud: Cloud, case: "Case", make: Callable[[Cloud, str], str]) -> None:
    case.subject = make(cloud, case.name)


def _nothing(cloud: Cloud, case: "Case") -> None:
    """A running server is what it needs."""


def _after(body: dict[str, Any], status: str) -> Act:
    """Return how a running server comes to ``status``: by an action."""

    def act(cloud: Cloud, case: "Case") -> None:
        _action(body)(cloud, case)
        assert cloud.settled(case.subject)["status"] == status

    return act


def _soft_delete(cloud: Cloud, case: "Case") -> None:
    """Delete it as a cloud does that defers deletes; this one deletes at once."""
    setting = "from django.conf import settings; settings.RECLAIM_INSTANCE_INTERVAL = 3600; "
    perform(cloud, case.subject, ACTIONS["delete"], before=setting)


def _soft_deleted(cloud: Cloud, case: "Case") -> None:
    _soft_delete(cloud, case)
    assert cloud.settled(case.subject)["status"] == "SOFT_DELETED"


def _action(body: dict[str, Any]) -> Act:
    def act(cloud: Cloud, case: "Case") -> None:
        answer = cloud.call("POST", f"/compute/v2.1/servers/{case.subject}/action", body)
        assert answer.status_code in (200, 202, 204), answer.text

    return act


def _attach(cloud: Cloud, case: "Case") -> None:
    """Attach an interface on the network that the server is on already."""
    answer = cloud.call("POST", f"/compute/v2.1/servers/{case.subject}/os-interface")
    assert answer.status_code == 200, answer.text


def _detach(cloud: Cloud, case: "Case") -> None:
    path = f"/compute/v2.1/servers/{case.subject}/os-interface"
    [interface] = cloud.call("GET", path).json()["interfaceAttachments"]
    answer = cloud.call("DELETE", f"{path}/{interface['port_id']}")
    assert answer.status_code == 202, answer.text


def _delete(cloud: Cloud, case: "Case") -> None:
    assert cloud.call("DELETE", f"/compute/v2.1/servers/{case.subject}").status_code == 204


def _delete_moving(cloud: Cloud, case: "Case") -> None:
    """Delete it while its disks are being copied."""
    copying = Moment(case.name, "server.migrate", "copy", INSIDE)
    case.moments.arm(copying, subject_id=case.subject)
    _as_admin({"migrate": None})(cloud, case)
    case.moments.wait([copying])
    _delete(cloud, case)
    case.moments.release([copying])


def _as_admin(body: dict[str, Any]) -> Act:
    def act(cloud: Cloud, case: "Case") -> None:
        path = f"/compute/v2.1/servers/{case.subject}/action"
        answer = cloud.call("POST", path, body, admin=True)
        assert answer.status_code == 202, answer.text

    return act


def _boot_from_volume(cloud: Cloud, name: str, image: str) -> str:
    root = {"source_type": "image", "destination_type": "volume", "uuid": image, "boot_index": 0}
    made = {**root, "volume_size": 1, "delete_on_termination": True}
    return cloud.create(name, imageRef=None, block_device_mapping_v2=[made])


def _from_volume(cloud: Cloud, case: "Case") -> None:
    """Put one that boots from a volume in its place, of the same name: moments are found by that."""
    case.subject = _boot_from_volume(cloud, case.name, cloud.image())
    assert cloud.settled(case.subject)["status"] == "ACTIVE"


def _rebuild(cloud: Cloud, case: "Case") -> None:
    _action({"rebuild": {"imageRef": cloud.image()}})(cloud, case)


def _resized(cloud: Cloud, case: "Case") -> None:
    """Move it to the other host; it waits to be confirmed or reverted."""
    enable = "UPDATE scheduling_host SET enabled = (name = %s)"
    cloud.rows(enable, SECOND)
    _as_admin({"migrate": None})(cloud, case)
    assert cloud.settled(case.subject)["status"] == "VERIFY_RESIZE"
    cloud.rows(enable, FIRST)


def _revert_from_dead(cloud: Cloud, case: "Case") -> None:
    """Take its host for dead, which lives: other cells need it."""
    waive = "from apps.scheduling.selectors import hosts; hosts.is_dead = lambda name: True; "
    perform(cloud, case.subject, ACTIONS["revertResize"], before=waive)


def _offloaded(cloud: Cloud, case: "Case") -> None:
    _shelve(cloud, case)
    assert cloud.settled(case.subject)["status"] == "SHELVED_OFFLOADED"


def _shelve(cloud: Cloud, case: "Case") -> None:
    """Shelve it as a cloud does whose shelved servers leave their hosts; here they stay, as long as no one asks."""
    setting = "from django.conf import settings; settings.SHELVED_OFFLOAD_TIME = 0; "
    perform(cloud, case.subject, ACTIONS["shelve"], before=setting)


def _shelved(cloud: Cloud, case: "Case") -> None:
    _action({"shelve": None})(cloud, case)
    assert cloud.settled(case.subject)["status"] == "SHELVED"


def _evacuate(cloud: Cloud, case: "Case") -> None:
    """Evacuate it from a host that lives: other cells need the host."""
    waive = "from apps.compute.services import evacuations; evacuations.check_dead = lambda server: None; "
    perform(cloud, case.subject, ACTIONS["evacuate"], before=waive)


def perform(cloud: Cloud, server_id: str, action: ServerAction, *, before: str = "") -> None:
    """Do an action as the API would, which may not offer it yet."""
    code = (
        f"{before}from apps.common.context import RequestContext as Context;"
        " from apps.compute.selectors import servers;"
        " from apps.compute.actions import ACTIONS; from apps.compute.services import server_actions;"
        f" server = servers.load(server_id='{server_id}');"
        " context = Context(user_id='admin', project_id=server.project_id, request_id='req-matrix');"
        f" server_actions.perform(context=context, server=server, action=ACTIONS['{action.name}'])"
    )
    cloud.manage("shell", "-v", "0", "-c", code)


def _of_action(pipeline: str) -> Way | None:
    """Return the way of an action that has this pipeline."""
    action = next((row for row in ACTIONS.values() if row.pipeline == pipeline), None)
    if action is None:
        return None
    ready = READY.get((action.vm_states or ("active",))[0], _nothing)
    if action.key:
        return Way(ready, _action({action.key: None}))
    return Way(ready, lambda cloud, case: perform(cloud, case.subject, action))


# How a running server comes to the state that an action needs.
READY = {
    "stopped": _after({"os-stop": None}, "SHUTOFF"),
    "paused": _after({"pause": None}, "PAUSED"),
    "suspended": _after({"suspend": None}, "SUSPENDED"),
    "soft-delete": _soft_deleted,
    "rescued": _after({"rescue": None}, "RESCUE"),
}
# What the catalogue of actions cannot say.
WAYS = {
    "backup.create": Way(_nothing, lambda cloud, case: _make(cloud, case, volumes.begin_backup)),
    "backup.delete": Way(_nothing, volumes.delete_backup),
    "backup.restore": Way(_nothing, volumes.restore_backup),
    "server.attach_interface": Way(_nothing, _attach),
    "server.attach_volume": Way(lambda cloud, case: _ignore(volumes.make_for_server(cloud, case)), volumes.attach),
    "server.detach_volume": Way(volumes.attached, volumes.detach),
    "server.swap_volume": Way(volumes.attached_beside_another, volumes.swap),
    "server.change_password": Way(_nothing, _action({"changePassword": {"adminPass": "a new password"}})),
    "server.create_backup": Way(
        _nothing, _action({"createBackup": {"name": "backup", "backup_type": "daily", "rotation": 0}})
    ),
    "server.create_image": Way(_nothing, _action({"createImage": {"name": "image"}})),
    "server.build": Way(_nothing, _build),
    "server.delete": Way(_nothing, _delete),
    "server.delete_moving": Way(_nothing, _delete_moving),
    "server.detach_interface": Way(_nothing, _detach),
    "server.live_migrate": Way(_nothing, _as_admin({"os-migrateLive": {"host": None, "block_migration": "auto"}})),
    "server.migrate": Way(_nothing, _as_admin({"migrate": None}), end="VERIFY_RESIZE"),
    "server.confirm_resize": Way(_resized, _action({"confirmResize": None})),
    "server.revert_resize": Way(_resized, _action({"revertResize": None}), failed="VERIFY_RESIZE"),
    "server.return_from_dead": Way(_resized, _revert_from_dead, failed="VERIFY_RESIZE"),
    "server.shelve": Way(_nothing, _shelve, end="SHELVED_OFFLOADED"),
    "server.shelve_offload": Way(_shelved, _as_admin({"shelveOffload": None}), end="SHELVED_OFFLOADED"),
    "server.unshelve": Way(_offloaded, _action({"unshelve": None})),
    "server.unshelve_on_host": Way(_shelved, _action({"unshelve": None})),
    "server.evacuate": Way(_nothing, _evacuate),
    "server.pause": Way(_nothing, _action({"pause": None}), end="PAUSED"),
    "server.reboot": Way(_nothing, _action({"reboot": {"type": "HARD"}})),
    "server.rebuild": Way(_nothing, _rebuild),
    "server.rebuild_volume": Way(_from_volume, _rebuild),
    "server.rescue": Way(_nothing, _action({"rescue": None}), end="RESCUE"),
    "server.soft_delete": Way(_nothing, _soft_delete, end="SOFT_DELETED"),
    "server.stop": Way(_nothing, _action({"os-stop": None}), end="SHUTOFF"),
    "snapshot.create": Way(_nothing, lambda cloud, case: _make(cloud, case, volumes.begin_snapshot)),
    "snapshot.delete": Way(_nothing, volumes.delete_snapshot),
    "volume.create": Way(_nothing, lambda cloud, case: _make(cloud, case, volumes.begin)),
    "volume.delete": Way(_nothing, volumes.delete),
    "volume.extend": Way(_nothing, volumes.extend),
    "snapshot.manage": Way(_nothing, lambda cloud, case: _make(cloud, case, volumes.begin_managed_snapshot)),
    "snapshot.unmanage": Way(_nothing, volumes.unmanage_snapshot),
    "volume.manage": Way(_nothing, lambda cloud, case: _make(cloud, case, volumes.begin_managed), failed="error"),
    "volume.unmanage": Way(_nothing, volumes.unmanage),
    "volume.migrate": Way(_nothing, volumes.migrate),
    "volume.convert": Way(_nothing, volumes.convert),
    "volume.migrate_attached": Way(volumes.in_use, volumes.migrate, end="in-use", failed="in-use"),
    "volume.reimage": Way(_nothing, volumes.reimage, failed="error"),
    "volume.revert": Way(volumes.snapshot, volumes.revert),
    "volume.upload_image": Way(_nothing, volumes.upload),
    "server.suspend": Way(_nothing, _action({"suspend": None}), end="SUSPENDED"),
}


def way(pipeline: str) -> Way:
    listed = WAYS.get(pipeline) or _of_action(pipeline)
    assert listed is not None, f"neither apps/compute/actions/ nor WAYS says how {pipeline} is started"
    return listed
