"""Requests about routers and floating IPs at one time: one wins, the other is refused, and the rows agree."""

import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connections

from apps.common.exceptions import CloudError
from apps.networking.models import FixedIP, FloatingIP, Port, RouterInterface
from apps.networking.services import floating_ips, networks, ports, router_interfaces, routers, subnets
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


def test_one_wins() -> None:
    alice, admin = Caller(PREFIX), Caller(PREFIX, admin=True)

    def network_of(who: Caller, cidr: str, **values: Any) -> tuple[uuid.UUID, uuid.UUID]:
        made = networks.create(context=who.context, values=values)
        wanted = {"network_id": made.id, "cidr": cidr, "ip_version": 4}
        return made.id, subnets.create(context=who.context, network=made, values=wanted).id

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
