"""Writing trunks and their subports. Callers have checked policy (``api/permissions.py``).

Locks: the trunk, then its parent port and the subports by id.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, rpcapi, states
from apps.networking.models import Network, Port, SubPort, Trunk
from apps.networking.selectors import ports as port_selectors
from apps.networking.selectors import trunks as selectors
from apps.networking.services import ownership, quotas

INHERIT = "inherit"
LARGEST_TAG = 4094
_COLUMNS = ("name", "description", "admin_state_up")
Wanted = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Part:
    """A port that is to be a subport, with its tag."""

    port_id: uuid.UUID
    tag: int


def create(*, context: RequestContext, values: dict[str, Any]) -> Trunk:
    """Make a port the parent of a trunk, perhaps with subports. A port that a server has outlives the server then.

    Raises PortNotFound (404), InvalidInput (400), TrunkPortInUse, ParentPortInUse, PortOfDevice, DuplicateSubPort,
    SubPortMtuTooLarge, OverQuota (409).
    """
    project_id = ownership.of(context=context, values=values)
    parent_id, parts = values["port_id"], _parts(context, values.get("sub_ports") or [])
    _usable(context, [parent_id, *(part.port_id for part in parts)])
    key = uuid.uuid4()
    with transaction.atomic():
        quotas.check(resource="trunk", project_id=project_id)
        held = locks.ports([parent_id, *(part.port_id for part in parts)])
        parent = _held(held, parent_id)
        _check_parent(parent)
        trunk = Trunk.objects.create(id=key, project_id=project_id, port=parent, **_columns(values))
        if parent.bound:
            Port.objects.filter(id=parent.id).update(preserved=True)
        _join(trunk, parent, held, parts)
        rpcapi.changed(ports=[part.port_id for part in parts])
    return selectors.get(context=context, trunk_id=key)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in _COLUMNS if key in values}


def update(*, context: RequestContext, trunk: Trunk, values: dict[str, Any]) -> Trunk:
    """Change a trunk's name, description, and whether its subports carry traffic."""
    with transaction.atomic():
        Trunk.objects.filter(id=trunk.id).update(
            **_columns(values), revision_number=F("revision_number") + 1, updated_at=timezone.now()
        )
        rpcapi.changed(ports=selectors.carried(port_ids=[trunk.port_id]))
    return selectors.get(context=context, trunk_id=trunk.id)


def delete(*, trunk: Trunk) -> None:
    """Delete a trunk; its ports stay. Raises TrunkNotFound (404), TrunkDisabled (409)."""
    with transaction.atomic():
        locked = _lock(trunk)
        _refuse_disabled(locked)
        port_ids = list(locked.sub_ports.values_list("port_id", flat=True))
        _leave(locked, port_ids)
        locked.delete()


def add_sub_ports(*, context: RequestContext, trunk: Trunk, wanted: Wanted) -> Trunk:
    """Put ports on a trunk. Raises the errors of ``create``, TrunkNotFound (404) and TrunkDisabled (409)."""
    parts = _parts(context, wanted)
    _usable(context, [part.port_id for part in parts])
    with transaction.atomic():
        locked = _lock(trunk)
        _refuse_disabled(locked)
        held = locks.ports([locked.port_id, *(part.port_id for part in parts)])
        _join(locked, _held(held, locked.port_id), held, parts)
        _touch(locked)
        rpcapi.changed(ports=[part.port_id for part in parts])
    return selectors.get(context=context, trunk_id=trunk.id)


def remove_sub_ports(*, context: RequestContext, trunk: Trunk, port_ids: Sequence[uuid.UUID]) -> Trunk:
    """Take ports off a trunk. Raises TrunkNotFound, SubPortNotFound (404), TrunkDisabled (409)."""
    with transaction.atomic():
        locked = _lock(trunk)
        _refuse_disabled(locked)
        present = set(locked.sub_ports.values_list("port_id", flat=True))
        for port_id in port_ids:
            if port_id not in present:
                raise exceptions.SubPortNotFound(id=trunk.id, port_id=port_id)
        _leave(locked, port_ids)
        _touch(locked)
    return selectors.get(context=context, trunk_id=trunk.id)


def _parts(context: RequestContext, wanted: Wanted) -> list[_Part]:
    """Return the ports with their tags: "inherit" takes that of the port's VLAN network. Raises InvalidInput (400)."""
    inherited = [item["port_id"] for item in wanted if item.get("segmentation_type") == INHERIT]
    visible = Port.objects.filter(id__in=inherited, network__network_type=states.VLAN)
    tags = dict(visible.values_list("id", "network__segmentation_id")) if inherited else {}
    parts = []
    for item in wanted:
        kind, tag = item.get("segmentation_type"), item.get("segmentation_id")
        if kind == INHERIT:
            kind, tag = states.VLAN, tags.get(item["port_id"])
        if kind is None or tag is None:
            raise exceptions.InvalidInput(
                reason=f"Invalid subport details '{item['port_id']}': missing segmentation information. Must specify "
                "both segmentation_id and segmentation_type"
            )
        if kind != states.VLAN:
            raise exceptions.InvalidInput(reason=f"Unknown segmentation_type '{kind}'")
        if not 1 <= tag <= LARGEST_TAG:
            raise exceptions.InvalidInput(reason=f"Segmentation ID '{tag}' is not in range")
        parts.append(_Part(item["port_id"], tag))
    if len({part.port_id for part in parts}) != len(parts):
        raise exceptions.InvalidInput(reason="a port is named twice among the subports")
    return parts


def _usable(context: RequestContext, port_ids: Iterable[uuid.UUID]) -> None:
    wanted = list(port_ids)
    usable = port_selectors.usable(context=context, port_ids=wanted)
    for port_id in wanted:
        if port_id not in usable:
            raise exceptions.PortNotFound(id=port_id)


def _held(ports: dict[uuid.UUID, Port], port_id: uuid.UUID) -> Port:
    if port_id not in ports:
        raise exceptions.PortNotFound(id=port_id)
    return ports[port_id]


def _check_parent(port: Port) -> None:
    parent_of, part_of = selectors.of_port(port_id=port.id)
    if part_of is not None:
        raise exceptions.TrunkPortInUse(port_id=port.id)
    if parent_of is not None or port.device_owner.startswith(states.OWNER_NETWORK):
        raise exceptions.ParentPortInUse(port_id=port.id)


def _join(trunk: Trunk, parent: Port, held: dict[uuid.UUID, Port], parts: Sequence[_Part]) -> None:
    """Make locked ports subports of a trunk."""
    networks = {parent.network_id, *(_held(held, part.port_id).network_id for part in parts)}
    mtus = dict(Network.objects.filter(id__in=networks).values_list("id", "mtu"))
    taken = set(SubPort.objects.filter(trunk=trunk).values_list("segmentation_id", flat=True))
    for part in parts:
        port = held[part.port_id]
        _check_part(trunk, parent, port)
        mtu, most = mtus[port.network_id], mtus[parent.network_id]
        if mtu > most:
            raise exceptions.SubPortMtuTooLarge(mtu=mtu, port_id=port.id, trunk_mtu=most, id=trunk.id)
        if part.tag in taken:
            raise exceptions.DuplicateSubPort(segmentation_type=states.VLAN, segmentation_id=part.tag, id=trunk.id)
        taken.add(part.tag)
    SubPort.objects.bulk_create(
        [SubPort(trunk=trunk, port_id=part.port_id, segmentation_id=part.tag) for part in parts]
    )
    Port.objects.filter(id__in=[part.port_id for part in parts]).update(
        device_owner=states.OWNER_SUBPORT, revision_number=F("revision_number") + 1, updated_at=timezone.now()
    )


def _check_part(trunk: Trunk, parent: Port, port: Port) -> None:
    parent_of, part_of = selectors.of_port(port_id=port.id)
    if port.id == parent.id or parent_of is not None:
        raise exceptions.ParentPortInUse(port_id=port.id)
    if part_of is not None:
        raise exceptions.TrunkPortInUse(port_id=port.id)
    if port.device_id or port.bound:
        raise exceptions.PortOfDevice(id=port.id, network_id=port.network_id, device_id=port.device_id)


def _leave(trunk: Trunk, port_ids: Sequence[uuid.UUID]) -> None:
    """Set subports of a locked trunk free."""
    locks.ports(port_ids)
    SubPort.objects.filter(trunk=trunk, port_id__in=port_ids).delete()
    Port.objects.filter(id__in=port_ids).update(
        device_owner="",
        status=states.DOWN,
        revision_number=F("revision_number") + 1,
        updated_at=timezone.now(),
    )
    rpcapi.changed(ports=port_ids)


def _lock(trunk: Trunk) -> Trunk:
    locked = locks.trunk(trunk.id)
    if locked is None:
        raise exceptions.TrunkNotFound(id=trunk.id)
    return locked


def _refuse_disabled(trunk: Trunk) -> None:
    if not trunk.admin_state_up:
        raise exceptions.TrunkDisabled(id=trunk.id)


def _touch(trunk: Trunk) -> None:
    Trunk.objects.filter(id=trunk.id).update(revision_number=F("revision_number") + 1, updated_at=timezone.now())


def refuse_use(port: Port) -> None:
    """Refuse to delete a locked port that a trunk has. Raises PortInUseAsTrunkParent, PortInUseAsSubPort (409)."""
    parent_of, part_of = selectors.of_port(port_id=port.id)
    if part_of is not None:
        raise exceptions.PortInUseAsSubPort(port_id=port.id, id=part_of)
    if parent_of is not None:
        raise exceptions.PortInUseAsTrunkParent(port_id=port.id, id=parent_of)
