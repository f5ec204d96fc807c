"""Requests about routers and floating IPs at one time: one wins, the other is refused, and the rows agree."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection, connections, transaction

from apps.common.exceptions import CloudError
from apps.networking.models import FixedIP, FloatingIP, Port, RouterInterface
from apps.networking.services import (
    bindings,
    floating_ips,
    networks,
    port_forwardings,
    ports,
    router_interfaces,
    routers,
    subnets,
)
from apps.networking.values import RequestedNetwork
from tests.callers import Caller

pytestmark = pytest.mark.django_db(transaction=True)
PREFIX = "/network/v2.0"


def at_once(works: Sequence[Callable[[], Any]]) -> list[str]:
    """Do all at one time, each by a separate connection. Returns what each was refused with; "" for success."""
    answers: list[str] = [""] * len(works)
    start = threading.Barrier(len(works))

    def run(number: int) -> None:
        start.wait()
        try:
            works[number]()
        except CloudError as error:
            answers[number] = error.kind
        except Exception as error:
            answers[number] = repr(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def network_of(who: Caller, cidr: str, **values: Any) -> tuple[uuid.UUID, uuid.UUID]:
    made = networks.create(context=who.context, values=values)
    wanted = {"network_id": made.id, "cidr": cidr, "ip_version": 4}
    return made.id, subnets.create(context=who.context, network=made, values=wanted).id


def test_one_wins() -> None:
    alice, admin = Caller(PREFIX), Caller(PREFIX, admin=True)
    public, _ = network_of(admin, "198.18.3.0/24", external=True)
    inside, subnet_id = network_of(alice, "10.9.0.0/24")
    _, overlapping = network_of(alice, "10.9.0.128/25")
    info = {"external_gateway_info": {"network_id": public}}
    first, second = (routers.create(context=alice.context, values=info) for _ in range(2))

    def add(router: Any, subnet: uuid.UUID) -> Callable[[], Any]:
        return lambda: router_interfaces.add_subnet(context=alice.context, router=router, subnet_id=subnet)

    # Two ranges that one router cannot tell apart, then one address that two routers want.
    assert sorted(at_once([add(first, subnet_id), add(first, overlapping)])) == ["", "BadRequest"]
    for interface in RouterInterface.objects.all():
        router_interfaces.remove(router=first, port_id=interface.port_id)
    assert sorted(at_once([add(first, subnet_id), add(second, subnet_id)])) == ["", "IpAddressAlreadyAllocated"]
    assert FixedIP.objects.filter(subnet_id=subnet_id).count() == RouterInterface.objects.count() == 1
    router = RouterInterface.objects.get().router

    for _ in range(3):  # an interface goes while a floating IP is led through it
        network = networks.selectors.get(context=alice.context, network_id=inside)
        port = ports.create(context=alice.context, network=network, values={})
        led = floating_ips.create(context=alice.context, values={"floating_network_id": public})
        answers = at_once(
            [
                lambda led=led, port=port: floating_ips.update(
                    context=alice.context, floating_ip=led, values={"port_id": port.id}
                ),
                lambda: router_interfaces.remove(router=router, subnet_id=subnet_id),
            ]
        )
        assert answers in (
            ["", "RouterInterfaceInUseByFloatingIP"],
            ["ExternalGatewayForFloatingIPNotFound", ""],
        ), answers
        floating_ips.delete(floating_ip=FloatingIP.objects.get())
        ports.delete(port=port)
        if not answers[1]:
            router_interfaces.add_subnet(context=alice.context, router=router, subnet_id=subnet_id)

    # A port goes, a floating IP comes: it is loose, or was refused, and nothing is left of either.
    port = ports.create(context=alice.context, network=network, values={})
    led = floating_ips.create(context=alice.context, values={"floating_network_id": public})
    answers = at_once(
        [
            lambda: floating_ips.update(context=alice.context, floating_ip=led, values={"port_id": port.id}),
            lambda: ports.delete(port=port),
        ]
    )
    assert answers in (["", ""], ["PortNotFound", ""]), answers
    assert FloatingIP.objects.get().fixed_port_id is None
    assert not Port.objects.filter(id=port.id).exists()


def test_two_servers_of_one_floating_ip_go() -> None:
    """Each deletion sees the other's forwarding; the second one to lock the floating IP sees that none is left."""
    alice, admin = Caller(PREFIX), Caller(PREFIX, admin=True)
    public, _ = network_of(admin, "198.18.4.0/24", external=True)
    inside, subnet_id = network_of(alice, "10.10.0.0/24")
    router = routers.create(context=alice.context, values={"external_gateway_info": {"network_id": public}})
    router_interfaces.add_subnet(context=alice.context, router=router, subnet_id=subnet_id)
    led = floating_ips.create(context=alice.context, values={"floating_network_id": public})
    servers = [uuid.uuid4(), uuid.uuid4()]
    for number, server in enumerate(servers):
        (made,) = bindings.allocate_for_server(
            server_id=server, project_id=alice.project_id, host="h", requests=[RequestedNetwork(network_id=inside)]
        )
        ends = {"protocol": "tcp", "external": (80 + number, 80 + number), "internal": (80, 80)}
        values = {**ends, "internal_port_id": made.id}
        port_forwardings.create(context=alice.context, floating_ip=led, values=values)
    refused: list[str] = []
    second = threading.Thread(
        target=lambda: refused.extend(at_once([lambda: bindings.release_for_server(server_id=servers[1])]))
    )
    with transaction.atomic():
        bindings.release_for_server(server_id=servers[0])
        second.start()
        wait_until_blocked(second)
    second.join()
    led.refresh_from_db()
    assert (refused, led.router_id, led.status) == ([""], None, "DOWN")
    routers.update(context=alice.context, router=router, values={"external_gateway_info": None})


def wait_until_blocked(thread: threading.Thread) -> None:
    """Wait until a thread's statement waits for a lock, or the thread has ended."""
    deadline = time.monotonic() + 20
    while thread.is_alive() and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        thread.join(0.01)
