"""Security groups from before they were enforced: which ports they would close, and rules that keep these open."""

import uuid
from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.networking import rpcapi, states
from apps.networking.models import Port, PortSecurityGroup, SecurityGroup, SecurityGroupRule
from apps.networking.services import security_groups

KEPT_OPEN = "Open as before security groups were enforced. Delete this rule to close the group."


def closed_ports(direction: str = states.INGRESS) -> QuerySet[Port]:
    """Return ports of servers whose groups do not let everything of IPv4 through in a direction.

    An upgrade asks before it migrates the database: a rule has no address group where there is no column for it.
    """
    everything = SecurityGroupRule.objects.filter(
        Q(remote_ip_prefix=None) | Q(remote_ip_prefix="0.0.0.0/0"),
        direction=direction,
        ethertype=states.IPV4,
        protocol=None,
        remote_group=None,
        security_group__ports=OuterRef("pk"),
    )
    if _has_address_groups():
        everything = everything.filter(remote_address_group=None)
    bound = Port.objects.filter(request_index__isnull=False, port_security_enabled=True)
    return bound.filter(~Exists(everything)).order_by("device_id", "request_index")


def _has_address_groups() -> bool:
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, SecurityGroupRule._meta.db_table)
    return any(column.name == "remote_address_group_id" for column in columns)


def closed_addresses() -> list[tuple[uuid.UUID, str, str | None]]:
    """Return of each port that is not open both ways its id, its server's id and its first address. 2 queries."""
    rows: dict[uuid.UUID, tuple[str, str | None]] = {}
    for direction in states.DIRECTIONS:
        listed = closed_ports(direction).values_list("id", "device_id", "fixed_ips__ip_address")
        for port_id, server_id, ip in listed.order_by("device_id", "request_index", "fixed_ips__id"):
            rows.setdefault(port_id, (server_id, ip))
    return [(port_id, server_id, ip) for port_id, (server_id, ip) in rows.items()]


def keep_open() -> int:
    """Have every port as open as before: a group of each gets rules that let everything through, both ways.

    The owners see the rules and can delete them. A port without groups gets its project's default group. Returns how
    many groups changed.
    """
    changed: set[uuid.UUID] = set()
    with transaction.atomic():
        for direction in states.DIRECTIONS:
            groups = {_group_of(port) for port in closed_ports(direction)}
            _open(groups, direction)
            changed |= groups
        rpcapi.changed(groups=changed, ports=_members(changed))
    return len(changed)


def _group_of(port: Port) -> uuid.UUID:
    """Return the group of a port that is opened: the default one if the port has it, which others may share."""
    held = SecurityGroup.objects.filter(ports=port).order_by("id").values_list("id", flat=True)
    group = held.first() or security_groups.ensure_default(project_id=port.project_id)
    PortSecurityGroup.objects.get_or_create(port=port, security_group_id=group)
    return group


def _open(groups: Iterable[uuid.UUID], direction: str) -> None:
    for group in groups:
        for ethertype in states.ETHERTYPES:
            SecurityGroupRule.objects.get_or_create(
                security_group_id=group,
                direction=direction,
                ethertype=ethertype,
                protocol=None,
                port_range_min=None,
                port_range_max=None,
                remote_ip_prefix=None,
                remote_group=None,
                remote_address_group=None,
                defaults={
                    "project_id": SecurityGroup.objects.get(id=group).project_id,
                    "description": KEPT_OPEN,
                },
            )


def _members(groups: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    listed = PortSecurityGroup.objects.filter(security_group_id__in=list(groups)).values_list("port_id", flat=True)
    return list(listed.distinct())
