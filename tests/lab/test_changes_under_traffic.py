"""What tenants do while traffic flows between two hosts: groups change, cards come and go."""

from __future__ import annotations

import time

import pytest

from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, NETWORK, Guest, Guests, LabCloud

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(900)]
PORT, OTHER_PORT = 6001, 6002
SSH_RULE = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}


def rule(cloud: LabCloud, group: str, port: int, **more: str) -> str:
    """Let TCP in at a port; return the rule's id."""
    made = cloud.make(
        "security-group-rule", security_group_id=group, direction="ingress", ethertype="IPv4", protocol="tcp",
        port_range_min=port, port_range_max=port, **more,
    )  # fmt: skip
    return str(made["id"])


def guard(cloud: LabCloud, guest: Guest, *groups: str) -> None:
    cloud.api.put(f"{NETWORK}/ports/{guest.port}", {"port": {"security_groups": list(groups)}})


def answers(cloud: LabCloud, source: Guest, target: Guest, port: int) -> bool:
    """Say whether TCP from guest to guest gets an answer: a server there says hello to each client."""
    heard = cloud.ssh(source, f"nc -w 2 {target.address} {port} < /dev/null", check=False)
    return (heard or "").strip() == "hello"


def serve(cloud: LabCloud, guest: Guest, port: int) -> None:
    cloud.ssh(guest, f"(while true; do echo hello | nc -l -p {port} -w 2; done) > /dev/null 2>&1 & true")


def test_a_group_opens_and_closes_under_traffic(cloud: LabCloud, guests: Guests) -> None:
    """Established flows end with the rule that let them in."""
    group = cloud.make("security-group", name="closing")["id"]
    cloud.make("security-group-rule", security_group_id=group, **SSH_RULE)
    guard(cloud, guests.far, group)
    try:
        opened = rule(cloud, group, PORT)
        cloud.forget(opened)
        cloud.ssh(guests.far, f"rm -f /tmp/got; sleep 600 | nc -l -p {PORT} > /tmp/got 2>/dev/null & sleep 0.2; true")
        flow = f"(while true; do echo tick; sleep 0.1; done) | nc {guests.far.address} {PORT} > /dev/null 2>&1 & true"

        def size() -> int:
            return int(cloud.ssh(guests.far, "wc -c < /tmp/got") or 0)

        def is_flowing() -> bool:
            before = size()
            time.sleep(1)  # ten ticks
            return size() > before

        def starts() -> bool:
            cloud.ssh(guests.near, flow)
            return is_flowing()

        wait_for(starts, what="a flow through the rule", seconds=30)
        cloud.api.delete(f"{NETWORK}/security-group-rules/{opened}")
        wait_for(lambda: not is_flowing(), what="the end of the established flow", seconds=10)
        rule(cloud, group, PORT)
        wait_for(is_flowing, what="the flow again", seconds=60)
    finally:
        guard(cloud, guests.far, guests.group)


def test_members_of_a_remote_group(cloud: LabCloud, guests: Guests) -> None:
    """Who joins a group on one host is let in on the other, and who leaves it no more."""
    servers, clients = (cloud.make("security-group", name=name)["id"] for name in ("servers", "clients"))
    cloud.make("security-group-rule", security_group_id=servers, **SSH_RULE)
    rule(cloud, servers, OTHER_PORT, remote_group_id=clients)
    guard(cloud, guests.far, servers)
    try:
        serve(cloud, guests.far, OTHER_PORT)
        assert not answers(cloud, guests.near, guests.far, OTHER_PORT)
        for groups, is_let_in in (((guests.group, clients), True), ((guests.group,), False)):
            guard(cloud, guests.near, *groups)
            wait_for(
                lambda is_let_in=is_let_in: answers(cloud, guests.near, guests.far, OTHER_PORT) is is_let_in,  # type: ignore[misc]
                what=f"let in: {is_let_in}",
                seconds=20,
            )
    finally:
        guard(cloud, guests.near, guests.group)
        guard(cloud, guests.far, guests.group)


def test_a_card_comes_and_goes(cloud: LabCloud, guests: Guests) -> None:
    """A running guest gets a card in another network, an address on it, traffic to another host, and loses it."""
    path = f"{COMPUTE}/servers/{guests.near.id}/os-interface"
    networks = cloud.api.get(f"{NETWORK}/networks", name="two")["networks"]
    made = cloud.api.post(path, {"interfaceAttachment": {"net_id": networks[0]["id"]}}).json()["interfaceAttachment"]
    cards = "ls /sys/class/net"
    wait_for(lambda: "eth1" in (cloud.ssh(guests.near, cards) or "").split(), what="a second card", seconds=60)
    guard(cloud, Guest("", "", made["port_id"], ""), guests.group)
    cloud.ssh(guests.near, "ip link set eth1 up; udhcpc -i eth1 -n -q -t 10 -T 1 > /dev/null 2>&1")
    cloud.ssh(guests.near, f"ping -c 2 -W 3 -I eth1 {guests.other.address}")
    assert made["fixed_ips"][0]["ip_address"] in (cloud.ssh(guests.near, "ip addr show eth1") or "")
    cloud.api.delete(f"{path}/{made['port_id']}")
    wait_for(lambda: "eth1" not in (cloud.ssh(guests.near, cards) or "").split(), what="one card again", seconds=90)
    cloud.ssh(guests.near, f"ping -c 2 -W 3 {guests.far.address}")
