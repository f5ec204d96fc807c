"""Pipelines' writes to a server's row when a rescue or a rebuild changes its disks."""

import uuid

from django.db.models import QuerySet
from django.utils import timezone

from apps.compute import locks, states
from apps.compute.models import Server
from apps.compute.selectors import servers as selectors
from apps.compute.services import block_devices, server_states
from apps.compute.services.server_states import NO_FAULT

APPLIED: dict[str, object] = {}  # the ``rebuild`` of a row that is the rebuilt server's, with the disks of before


def mark_rescued(*, server_id: uuid.UUID, power_state: str) -> None:
    """The guest runs from the rescue disk. The config drive has the password, which is erased here."""
    _of(server_id).update(
        vm_state=states.RESCUED,
        task_state="",
        power_state=states.POWER_STATES[power_state],
        admin_password="",
        updated_at=timezone.now(),
        **NO_FAULT,
    )


def end_rescue(*, server_id: uuid.UUID, power_state: str | None = None) -> None:
    """The rescue disk is gone. ``power_state``: the guest is from its own disk now; else the vm_state stays."""
    values: dict[str, object] = {"rescue": None, "admin_password": "", "updated_at": timezone.now()}
    if power_state is not None:
        values |= {**server_states.powered(power_state), "task_state": ""}
    _of(server_id).update(**values)


def apply_rebuild(*, server_id: uuid.UUID) -> None:
    """The row becomes that of the rebuilt server; its disks follow. In the transaction that finishes the step."""
    server = locks.server(server_id)
    if server is None or not server.rebuild:
        return
    _of(server_id).update(**server.rebuild, rebuild=APPLIED, updated_at=timezone.now())
    devices = selectors.block_devices(server_id=server_id)
    if devices:
        names = block_devices.names(devices, server.rebuild["image_properties"])
        by_id = {device.id: name for device, name in zip(devices, names, strict=True)}
        server_states.map_devices(server_id=server_id, devices=by_id, root=names[0])


def cancel_rebuild(*, server_id: uuid.UUID) -> None:
    """The rebuild failed. Unless its row was applied, nothing has changed."""
    _of(server_id).exclude(rebuild=APPLIED).update(rebuild=None)
    server_states.end_task(server_id=server_id)


def end_rebuild(*, server_id: uuid.UUID, power_state: str) -> None:
    """The server's disks are those of its row. The config drive has the password, which is erased here."""
    now = timezone.now()
    values = {**server_states.powered(power_state), **NO_FAULT, "task_state": "", "launched_at": now}
    _of(server_id).update(**values, rebuild=None, rescue=None, admin_password="")


def forget_rebuild(*, server_id: uuid.UUID) -> None:
    """The disks of before are removed: those that are made next are the row's."""
    _of(server_id).update(rebuild=None, rescue=None)


def _of(server_id: uuid.UUID) -> QuerySet[Server]:
    return Server.objects.filter(id=server_id, deleted_at=None)
