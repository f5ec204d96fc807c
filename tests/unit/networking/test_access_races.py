"""The sharing of a row ends while others come to use it: the second one is refused."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction

from apps.common.exceptions import CloudError
from apps.networking.models import Network, Port, RbacPolicy
from apps.networking.selectors import networks as selectors
from apps.networking.services import (
    address_groups,
    address_scopes,
    floating_ips,
    networks,
    ports,
    qos_policies,
    rbac_policies,
    security_group_rules,
    security_groups,
    subnetpools,
    subnets,
)
from tests.callers import Caller

pytestmark = pytest.mark.django_db(transaction=True)
PREFIX = "/network/v2.0"


def during(first: Callable[[], Any], second: Callable[[], Any]) -> str:
    """Do the second while the first is written and not committed. Returns what the second was refused with, or ""."""
    answers: list[str] = []

    def run() -> None:
        try:
            second()
            answers.append("")
        except CloudError as error:
            answers.append(error.kind)
        except Exception as error:
            answers.append(repr(error))
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        first()
        thread.start()
        deadline = time.monotonic() + 10
        while thread.is_alive() and not is_somebody_waiting() and time.monotonic() < deadline:
            thread.join(0.02)
    thread.join()
    return answers[0]


def is_somebody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("closes_first", "external", "refused"),
    [
        (True, False, "NetworkNotFound"),
        (False, False, "RbacPolicyInUse"),
        (True, True, "NetworkNotFound"),
        (False, True, "ExternalNetworkInUse"),
    ],
)
def test_one_is_refused(closes_first: bool, external: bool, refused: str) -> None:
    alice, admin = Caller(PREFIX), Caller(PREFIX, admin=True)
    network = networks.create(context=admin.context, values={"external": external})
    wanted = {"network_id": network.id, "cidr": "198.18.3.0/24", "ip_version": 4}
    subnets.create(context=admin.context, network=network, values=wanted)
    if not external:
        values = {"action": "access_as_shared", "target_project": alice.project_id}
        rbac_policies.create(context=admin.context, row=network, values=values)
    seen = selectors.get(context=alice.context, network_id=network.id)
    policy = RbacPolicy.objects.get()

    def close() -> None:
        if external:
            networks.update(context=admin.context, network=network, values={"external": False})
        else:
            rbac_policies.delete(policy=policy)

    def use() -> None:
        if external:
            floating_ips.create(context=alice.context, values={"floating_network_id": network.id})
        else:
            ports.create(context=alice.context, network=seen, values={})

    assert during(*((close, use) if closes_first else (use, close))) == refused
    owners = ("", alice.project_id)
    assert Port.objects.filter(network=network, project_id__in=owners).exists() is not closes_first


def _use(kind: str, alice: Caller, network: Network, row_id: Any) -> Any:
    context = alice.context
    match kind:
        case "security_group":
            return ports.create(context=context, network=network, values={"security_groups": [row_id]})
        case "qos_policy":
            return ports.create(context=context, network=network, values={"qos_policy_id": row_id})
        case "address_group":
            group = security_groups.create(context=context, values={"name": "web"})
            values = {"direction": "ingress", "remote_address_group_id": row_id}
            return security_group_rules.create(context=context, group=group, values=values)
        case "subnetpool":
            values = {"subnetpool_id": row_id, "ip_version": 4, "prefixlen": 26}
            return subnets.create(context=context, network=network, values=values)
    values = {"name": "mine", "prefixes": ["10.8.0.0/16"], "address_scope_id": row_id}
    return subnetpools.create(context=context, values=values)


@pytest.mark.parametrize("closes_first", [True, False])
@pytest.mark.parametrize(
    ("kind", "service", "values", "refused"),
    [
        ("security_group", security_groups, {"name": "theirs"}, "SecurityGroupNotFound"),
        ("qos_policy", qos_policies, {"name": "slow"}, "QosPolicyNotFound"),
        ("address_group", address_groups, {"name": "office", "addresses": ["10.9.0.0/24"]}, "AddressGroupNotFound"),
        ("subnetpool", subnetpools, {"name": "pool", "prefixes": ["10.8.0.0/16"]}, "SubnetPoolNotFound"),
        ("address_scope", address_scopes, {"name": "scope", "ip_version": 4}, "AddressScopeNotFound"),
    ],
)
def test_what_is_shared(kind: str, service: Any, values: dict[str, Any], refused: str, closes_first: bool) -> None:
    alice, owner = Caller(PREFIX), Caller(PREFIX)
    network = networks.create(context=alice.context, values={})
    row = service.create(context=owner.context, values=values)
    target = {"action": "access_as_shared", "target_project": alice.project_id}
    policy = rbac_policies.create(context=owner.context, row=row, values=target)

    def close() -> None:
        rbac_policies.delete(policy=policy)

    def use() -> None:
        _use(kind, alice, network, row.id)

    answer = during(*((close, use) if closes_first else (use, close)))
    assert answer == (refused if closes_first else "RbacPolicyInUse")
