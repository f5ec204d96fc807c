"""Pipelines' writes to a server's row when a rescue or a rebuild changes its disks."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from apps.compute import locks, states
from apps.compute.models import Server
from apps.compute.selectors import servers as selectors
from apps.compute.services import block_devices, server_states
from apps.compute.services.server_states import NO_FAULT

APPLIED: dict[str, object] = {}  # the ``rebuild`` of a row that is the rebuilt server's, with the disks of before
# Marks in a row's ``rescue`` and ``rebuild``, beside the values that were asked.
_BEGUN = "begun"  # the guest may have been taken from its own disk
_OVER_APPLIED = "over_applied"  # an earlier rebuild was applied, and the disks are still those of before it


def keep_rescue(*, server_id: uuid.UUID, rescue: Mapping[str, Any], admin_password: str) -> None:
    """Keep what a rescue asks, and whether an earlier one could not be undone. In the transaction that begins it."""
    before = _of(server_id).values_list("rescue", flat=True).first()
    values = {**rescue, _BEGUN: True} if has_begun(before) else rescue
    _of(server_id).update(rescue=values, admin_password=admin_password)


def begin_rescue(*, server_id: uuid.UUID) -> None:
    """The guest is taken from its own disk now. Written before that is done."""
    rescue = _of(server_id).values_list("rescue", flat=True).first()
    if rescue:
        _of(server_id).filter(rescue__isnull=False).update(rescue={**rescue, _BEGUN: True})


def has_begun(rescue: Mapping[str, Any] | None) -> bool:
    """Whether a rescue may have taken the guest from its own disk."""
    return bool(rescue and rescue.get(_BEGUN))


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


def keep_rebuild(*, server_id: uuid.UUID, row: Mapping[str, Any]) -> None:
    """Keep the columns of a rebuild until its host is ready. In the transaction that begins it."""
    before = _of(server_id).values_list("rebuild", flat=True).first()
    values = {**row, _OVER_APPLIED: True} if before == APPLIED else row
    _of(server_id).update(rebuild=values)


def apply_rebuild(*, server_id: uuid.UUID) -> None:
    """The row becomes that of the rebuilt server; its disks follow. In the transaction that finishes the step."""
    server = locks.server(server_id)
    if server is None or not server.rebuild:
        return
    columns = {name: value for name, value in server.rebuild.items() if name != _OVER_APPLIED}
    _of(server_id).update(**columns, rebuild=APPLIED, updated_at=timezone.now())
    devices = selectors.block_devices(server_id=server_id)
    if devices:
        names = block_devices.names(devices, server.rebuild.get("image_properties", server.image_properties))
        by_id = {device.id: name for device, name in zip(devices, names, strict=True)}
        server_states.map_devices(server_id=server_id, devices=by_id, root=names[0])


def cancel_rebuild(*, server_id: uuid.UUID) -> None:
    """The rebuild failed. Unless its row was applied, nothing has changed: nor what an earlier one left."""
    rows = _of(server_id).exclude(rebuild=APPLIED)
    if not rows.filter(rebuild__has_key=_OVER_APPLIED).update(rebuild=APPLIED):
        rows.update(rebuild=None)
    server_states.end_task(server_id=server_id)


def end_rebuild(*, server_id: uuid.UUID, power_state: str) -> None:
    """The server's disks are those of its row. The config drive has the password, which is erased here."""
    now = timezone.now()
    values = {**server_states.powered(power_state), **NO_FAULT, "task_state": "", "launched_at": now}
    _of(server_id).update(**values, rebuild=None, rescue=None, admin_password="")


def forget_rebuild(*, server_id: uuid.UUID) -> None:
    """The disks of before are removed: those that are made next are the row's."""
    _of(server_id).update(rebuild=None)


def _of(server_id: uuid.UUID) -> QuerySet[Server]:
    return Server.objects.filter(id=server_id, deleted_at=None)
