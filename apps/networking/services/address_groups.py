"""Writing address groups. Callers have checked policy (``api/permissions.py``).

A rule that names an address group is programmed as a rule for each of the group's ranges.
"""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, rpcapi
from apps.networking.models import AddressGroup, SecurityGroupRule
from apps.networking.selectors import address_groups as selectors
from apps.networking.services import ownership, quotas, rbac_policies

MAX_ADDRESSES = 100


def create(*, context: RequestContext, values: dict[str, Any]) -> AddressGroup:
    """Make an address group. Raises InvalidInput (400) for what is no range, and OverQuota (409)."""
    project_id = ownership.of(context=context, values=values)
    addresses = _limited(list(dict.fromkeys(_parsed(values.get("addresses", ())))))
    with transaction.atomic():
        quotas.check(resource="address_group", project_id=project_id)
        return AddressGroup.objects.create(
            project_id=project_id,
            name=values.get("name", ""),
            description=values.get("description", ""),
            addresses=addresses,
        )


def _parsed(texts: Sequence[str]) -> list[str]:
    """Return ranges with their host bits zero; a single address becomes a range of one."""
    return [str(_network(text)) for text in texts]


def _network(text: str) -> Any:
    try:
        if "%" in text:
            raise ValueError
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise exceptions.InvalidInput(reason=f"addresses: '{text[:64]}' is not a valid IP address or subnet") from None


def _limited(addresses: list[str]) -> list[str]:
    if len(addresses) > MAX_ADDRESSES:
        raise exceptions.InvalidInput(reason=f"addresses: more than {MAX_ADDRESSES} addresses")
    return addresses


def update(*, context: RequestContext, address_group: AddressGroup, values: dict[str, Any]) -> AddressGroup:
    """Change name and description."""
    AddressGroup.objects.filter(id=address_group.id).update(
        **values, revision_number=F("revision_number") + 1, updated_at=timezone.now()
    )
    return selectors.get(context=context, address_group_id=address_group.id)


def add_addresses(*, context: RequestContext, address_group: AddressGroup, addresses: Sequence[str]) -> AddressGroup:
    """Add ranges. Raises InvalidInput and AddressesExist (400) for one that is there."""
    wanted = _parsed(addresses)

    def change(held: list[str]) -> list[str]:
        if twice := [text for text in wanted if text in held]:
            raise exceptions.AddressesExist(addresses=twice, id=address_group.id)
        return _limited([*held, *dict.fromkeys(wanted)])

    return _write(context, address_group, change)


def remove_addresses(*, context: RequestContext, address_group: AddressGroup, addresses: Sequence[str]) -> AddressGroup:
    """Take ranges away. Raises InvalidInput (400), and AddressesNotFound (404) for one that is not there."""
    wanted = _parsed(addresses)

    def change(held: list[str]) -> list[str]:
        if missing := [text for text in wanted if text not in held]:
            raise exceptions.AddressesNotFound(addresses=missing, id=address_group.id)
        return [text for text in held if text not in wanted]

    return _write(context, address_group, change)


def _write(
    context: RequestContext, address_group: AddressGroup, change: Callable[[list[str]], list[str]]
) -> AddressGroup:
    with transaction.atomic():
        mine = locks.resource(address_group)
        row = mine.first()
        if row is None:
            raise exceptions.AddressGroupNotFound(id=address_group.id)
        mine.update(
            addresses=change(row.addresses), revision_number=F("revision_number") + 1, updated_at=timezone.now()
        )
        naming = SecurityGroupRule.objects.filter(remote_address_group=row)
        rpcapi.changed(groups=set(naming.values_list("security_group_id", flat=True)))
    return selectors.get(context=context, address_group_id=address_group.id)


def delete(*, address_group: AddressGroup) -> None:
    """Delete an address group that no rule names. Raises AddressGroupInUse (409)."""
    object_id = address_group.id
    try:
        with transaction.atomic(), rbac_policies.forgotten(address_group):
            address_group.delete()
    except (ProtectedError, IntegrityError):
        raise exceptions.AddressGroupInUse(id=object_id) from None
