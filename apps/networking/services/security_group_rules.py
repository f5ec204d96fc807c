"""Writing security group rules: checked to the last value here, so that no rule can stop a host. Neutron's texts."""

import ipaddress
import uuid
from typing import Any

from django.db import IntegrityError, transaction

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.networking import exceptions, protocols, rpcapi, states
from apps.networking.exceptions import InvalidRule
from apps.networking.models import AddressGroup, SecurityGroup, SecurityGroupRule
from apps.networking.selectors import address_groups as address_group_selectors
from apps.networking.selectors import security_groups as security_group_selectors
from apps.networking.services import flow_budget, quotas, shared_use

WITH_PORTS = {6, 17, 33, 132, 136}
ICMP = {1, 58}
ONLY_IPV6 = {"icmpv6", "ipv6-encap", "ipv6-frag", "ipv6-icmp", "ipv6-nonxt", "ipv6-opts", "ipv6-route"}


def create(*, context: RequestContext, group: SecurityGroup, values: dict[str, Any]) -> SecurityGroupRule:
    """Add a rule to a group.

    Raises SecurityGroupNotFound and AddressGroupNotFound (404), InvalidRule (400), RuleExists, OverQuota and
    FlowsExceeded (409).
    """
    columns = _checked(context, values)
    try:
        with transaction.atomic():
            quotas.check(resource="security_group_rule", project_id=group.project_id)
            rule = SecurityGroupRule.objects.create(security_group=group, project_id=group.project_id, **columns)
            _keep_addresses(context, rule)
            flow_budget.check(group_ids=[group.id])
            rpcapi.changed(groups=[group.id])
            return rule
    except IntegrityError:
        raise exceptions.RuleExists(id=_same(group, columns)) from None


def _keep_addresses(context: RequestContext, rule: SecurityGroupRule) -> None:
    if rule.remote_address_group_id is not None and not context.is_admin:
        addresses = rule.remote_address_group_id
        shared_use.keep(project_id=context.project_id, model=AddressGroup, ids=[addresses])


def _same(group: SecurityGroup, columns: dict[str, Any]) -> uuid.UUID | None:
    names = {key: value for key, value in columns.items() if key != "description"}
    return SecurityGroupRule.objects.filter(security_group=group, **names).values_list("id", flat=True).first()


def _checked(context: RequestContext, values: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a new rule. Raises InvalidRule, SecurityGroupNotFound and AddressGroupNotFound."""
    ethertype = values.get("ethertype") or states.IPV4
    protocol = _protocol(values.get("protocol"), ethertype)
    number = _number(protocol)
    low, high = values.get("port_range_min"), values.get("port_range_max")
    _check_ports(number, protocol, low, high)
    prefix, remote = values.get("remote_ip_prefix"), values.get("remote_group_id")
    addresses = values.get("remote_address_group_id")
    if prefix and remote:
        raise InvalidRule("Only remote_ip_prefix or remote_group_id may be provided.")
    if addresses and (prefix or remote):
        raise InvalidRule("Only one of remote_ip_prefix, remote_group_id or remote_address_group_id may be provided.")
    group_id = _remote_group(context, remote) if remote else None
    if addresses:
        addresses = address_group_selectors.get(context=context, address_group_id=addresses).id
    return {
        "direction": values["direction"],
        "ethertype": ethertype,
        "protocol": protocol,
        "port_range_min": low,
        "port_range_max": high,
        "remote_ip_prefix": _prefix(prefix, ethertype) if prefix else None,
        "remote_group_id": group_id,
        "remote_address_group_id": addresses or None,
        "description": values.get("description", ""),
    }


def _remote_group(context: RequestContext, text: str) -> uuid.UUID:
    """Return the id of a group the caller may see. Raises SecurityGroupNotFound (404), also for an invalid ID."""
    group_id = parse_uuid(text)
    if group_id is None:
        raise exceptions.SecurityGroupNotFound(id=text[:64])
    return security_group_selectors.get(context=context, group_id=group_id).id


def _protocol(value: Any, ethertype: str) -> str | None:
    text = str(value).strip().lower() if value is not None else ""
    if text in ("", "any"):
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        text = str(int(text))  # 006 is 6
    known = text in protocols.NUMBERS or (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255)
    if not known:
        raise InvalidRule(
            f"Security group rule protocol {text[:64]} not supported. Only protocol values "
            f"{sorted(protocols.NUMBERS)} and integer representations [0 to 255] are supported."
        )
    if text in ONLY_IPV6 and ethertype == states.IPV4:
        raise InvalidRule(f"Invalid ethertype {ethertype} for protocol {text}.")
    return text


def _number(protocol: str | None) -> int | None:
    if protocol is None:
        return None
    return protocols.number(protocol)


def _check_ports(number: int | None, protocol: str | None, low: int | None, high: int | None) -> None:
    if low is None and high is None:
        return
    if number in ICMP:
        _check_icmp(low, high)
        return
    for port in (low, high):
        if port is not None and not 0 <= port <= 65535:
            raise InvalidRule(f"Invalid value for port {port}")
    if number is None:
        raise InvalidRule("Must also specify protocol if port range is given.")
    if number not in WITH_PORTS:
        raise InvalidRule(
            f"Invalid protocol {protocol} for port range, only supported for TCP, UDP, UDPLITE, SCTP and DCCP."
        )
    if low == 0 or high == 0:
        raise InvalidRule("Invalid value for port 0")
    if low is None or high is None or low > high:
        raise InvalidRule("For TCP/UDP protocols, port_range_min must be <= port_range_max")


def _check_icmp(kind: int | None, code: int | None) -> None:
    for name, attribute, value in (("type", "port_range_min", kind), ("code", "port_range_max", code)):
        if value is not None and not 0 <= value <= 255:
            raise InvalidRule(f"Invalid value for ICMP {name} ({attribute}) {value}. It must be 0 to 255.")
    if kind is None:
        raise InvalidRule(f"ICMP code (port-range-max) {code} is provided but ICMP type (port-range-min) is missing.")


def _prefix(text: str, ethertype: str) -> str:
    """Return the prefix in its short form, with its host bits: Neutron shows both this and the network it is in."""
    try:
        if "%" in text:
            raise ValueError
        interface = ipaddress.ip_interface(text)
    except ValueError:
        raise InvalidRule(f"Invalid CIDR {text[:64]} given as IP prefix") from None
    if interface.version != (4 if ethertype == states.IPV4 else 6):
        raise InvalidRule(f"Conflicting value ethertype {ethertype} for CIDR {text[:64]}")
    return str(interface)


def delete(*, rule: SecurityGroupRule) -> None:
    """Delete a rule."""
    with transaction.atomic():
        rpcapi.changed(groups=[rule.security_group_id])
        rule.delete()
