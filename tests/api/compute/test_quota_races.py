"""Concurrent requests for the rest of a quota: exactly as many succeed as fit, and none hangs."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from apps.compute.models import Flavor, KeyPair, Server
from apps.compute.selectors import quota_counts
from apps.compute.services import server_metadata, servers
from apps.compute.services.block_devices import RequestedDisk
from apps.compute.services.server_requests import ServerRequest
from apps.compute.services.server_requests.flavor import snapshot
from apps.networking.exceptions import OverQuota
from apps.networking.services import networks
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.models import Limit, Usage
from apps.quotas.selectors import reservations as reservation_rows
from apps.quotas.services import reservations, verification
from tests.api.compute.test_keypairs import KEY

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(90)]


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run ``work`` in ``count`` threads that start together, each with its own database session."""
    gate = threading.Barrier(count)

    def one(number: int) -> Any:
        try:
            gate.wait(timeout=20)
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def limit(caller: Any, **values: int) -> None:
    Limit.objects.bulk_create(Limit(owner_id=caller.project_id, resource=k, value=v) for k, v in values.items())


def request_of(caller: Any, flavor: Flavor) -> ServerRequest:
    template = Server(project_id=caller.project_id, user_id=caller.project_id, name="s", flavor=snapshot(flavor))
    return ServerRequest(template=template, disks=[RequestedDisk("root", flavor.disk_gib)])


def build(caller: Any, flavor: Flavor) -> str:
    try:
        servers.create(context=caller.context, request=request_of(caller, flavor))
    except QuotaExceeded:
        return "refused"
    return "made"


@pytest.mark.parametrize("threads", [2, 20])
def test_the_last_server(alice: Any, flavor: Flavor, no_broker: Any, threads: int) -> None:
    limit(alice, instances=1)
    outcomes = at_once(threads, lambda _: build(alice, flavor))
    assert sorted(outcomes) == ["made", *["refused"] * (threads - 1)]
    assert Server.objects.count() == 1 and len(no_broker) == 1
    assert not verification.verify()


def test_first_requests_of_a_new_project(alice: Any, flavor: Flavor, no_broker: Any) -> None:
    """Concurrent requests create the usage rows; the limit holds (2 cores each, 6 allowed)."""
    limit(alice, cores=6)
    outcomes = at_once(20, lambda _: build(alice, flavor))
    assert outcomes.count("made") == 3
    assert Usage.objects.get(owner_id=alice.project_id, resource="cores").reserved == 6
    assert not verification.verify()


def test_resources_in_any_order_do_not_deadlock(alice: Any, flavor: Flavor, no_broker: Any) -> None:
    """Building and deleting at the same time, from 20 threads, several times each."""
    limit(alice, instances=-1, cores=-1, ram=-1)
    build(alice, flavor)

    def churn(number: int) -> None:
        for _ in range(5):
            [made] = servers.create(context=alice.context, request=request_of(alice, flavor))
            if number % 2:
                reservations.commit(consumers=[made.id])
            usage = {"ram": 256, "instances": 1, "cores": 2}
            reservations.release(owner_id=alice.project_id, each=usage, consumer=made.id)
            Server.objects.filter(id=made.id).delete()

    at_once(20, churn)
    assert not verification.verify()
    counted = quota_counts.recount(reservation_rows.by_consumer())
    key = (alice.project_id, "cores")
    assert (counted.in_use[key], counted.reserved[key]) == (0, 2)


def test_the_last_key_pair_over_http(alice: Any) -> None:
    limit(alice, key_pairs=1)
    body = {"public_key": KEY}
    answers = at_once(2, lambda n: alice.post("/os-keypairs", {"keypair": {"name": f"k{n}", **body}}))
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    refused = next(answer for answer in answers if answer.status_code == 403)
    assert "key_pairs" in refused.json()["forbidden"]["message"]
    assert KeyPair.objects.count() == 1
    assert not verification.verify()


def test_a_key_pair_is_deleted_once(alice: Any) -> None:
    for name in ("a", "b"):
        alice.post("/os-keypairs", {"keypair": {"name": name, "public_key": KEY}})
    answers = at_once(8, lambda _: alice.delete("/os-keypairs/a"))
    assert sorted(answer.status_code for answer in answers) == [202, *[404] * 7]
    assert Usage.objects.get(owner_id=alice.project_id).in_use == 1
    assert not verification.verify()


def test_no_metadata_is_lost(alice: Any, server: Server) -> None:
    add = server_metadata.add
    at_once(12, lambda n: add(context=alice.context, server_id=server.id, items={f"k{n}": str(n)}))
    assert Server.objects.get().metadata == {f"k{n}": str(n) for n in range(12)}


def test_ports_that_come_later(alice: Any, flavor: Flavor, no_broker: Any) -> None:
    """Servers get their ports in a run: those of servers before count already, also of requests at one moment."""
    limit(alice, port=10)
    network = networks.create(context=alice.context, values={})

    def ask(_: int) -> str:
        request = request_of(alice, flavor)
        request.template.requested_networks = [{"network_id": str(network.id)}] * 4
        try:
            servers.create(context=alice.context, request=request)
        except OverQuota:
            return "refused"
        return "made"

    assert sorted(at_once(4, ask)) == ["made", "made", "refused", "refused"]
    assert Server.objects.filter(project_id=alice.project_id).count() == 2
