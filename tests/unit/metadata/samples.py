"""Servers and ports for tests of documents: values, not rows."""

import dataclasses
import uuid
from typing import Any

from apps.compute.models import Server
from apps.networking import states
from apps.networking.values import NetworkFacts, PortFacts, SubnetFacts

NETWORK, PORT, SUBNET = (uuid.UUID(f"0000000{n}-0000-4000-8000-000000000000") for n in (1, 2, 3))


def subnet(**values: Any) -> SubnetFacts:
    made = SubnetFacts(
        id=SUBNET, cidr="10.0.0.0/24", ip_version=4, gateway_ip="10.0.0.1", enable_dhcp=True, dns_nameservers=(),
        host_routes=(), dhcp_ip=None,
    )  # fmt: skip
    return dataclasses.replace(made, **values)


def port(*subnets: SubnetFacts, server_id: str = "", ips: tuple[str, ...] = ("10.0.0.5",)) -> PortFacts:
    subnets = subnets or (subnet(),)
    network = NetworkFacts(id=NETWORK, name="n", mtu=1442, subnets=subnets)
    return PortFacts(
        id=PORT, server_id=server_id, project_id="p", host="h", tap=states.tap_of(PORT), mac="fa:16:3e:00:00:01",
        fixed_ips=tuple((item.id, ip) for item, ip in zip(subnets, ips, strict=True)), hostname="web",
        admin_state_up=True, status="ACTIVE", port_security_enabled=True, created=True, network=network,
    )  # fmt: skip


def server(**values: Any) -> Server:
    given = {
        "id": uuid.UUID("abcdef01-0000-4000-8000-000000000000"),
        "name": "Web server",
        "hostname": "web-server",
        "project_id": "project",
        "zone": "nova",
        "flavor": {"original_name": "m1.tiny"},
        "reservation_id": "r-1",
        "image_id": uuid.UUID("12345678-0000-4000-8000-000000000000"),
        "key_name": "mine",
        "public_key": "ssh-ed25519 AAAA",
        "metadata": {"role": "web"},
        "root_device_name": "/dev/vda",
        "user_data": "IyEvYmluL3NoCg==",
    }
    return Server(**{**given, **values})
