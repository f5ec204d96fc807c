"""A network is closed to others while they put ports on it: the second one is refused."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction

from apps.common.exceptions import CloudError
from apps.networking.models import Port, RbacPolicy
from apps.networking.selectors import networks as selectors
from apps.networking.services import floating_ips, networks, ports, rbac_policies, subnets
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
