"""The way into the first server: a security group that allows ssh and ping, and a floating IP."""

import socket
import time
from typing import Any

from deploy.cloud_api import CloudApi

GROUP, EXTERNAL = "ssh-ping", "public"
ANSWER_SECONDS, CLOSED_SECONDS = 30, 3
_RULES = (
    {"protocol": "tcp", "port_range_min": 22, "port_range_max": 22},
    {"protocol": "icmp"},
)


def ensure_group(api: CloudApi) -> str:
    """Have the group; return its id. An owner's changes to it stay."""
    groups = api.get("/network/v2.0/security-groups", name=GROUP)["security_groups"]
    if groups:
        return str(groups[0]["id"])
    described = {"name": GROUP, "description": "ssh and ping from everywhere"}
    made = api.post("/network/v2.0/security-groups", {"security_group": described}).json()["security_group"]
    for rule in _RULES:
        whole = {"security_group_id": made["id"], "direction": "ingress", "ethertype": "IPv4", **rule}
        api.post("/network/v2.0/security-group-rules", {"security_group_rule": whole})
    return str(made["id"])


def floating_ip(api: CloudApi, server: str) -> str:
    """Give the server's first port a floating IP, or return the one that it has; empty without an external network."""
    external = api.get("/network/v2.0/networks", name=EXTERNAL, **{"router:external": "true"})["networks"]
    ports: list[dict[str, Any]] = api.get("/network/v2.0/ports", device_id=server)["ports"]
    if not external or not ports:
        return ""
    listed = api.get("/network/v2.0/floatingips", port_id=ports[0]["id"])["floatingips"]
    if not listed:
        wanted = {"floating_network_id": external[0]["id"], "port_id": ports[0]["id"]}
        listed = [api.post("/network/v2.0/floatingips", {"floatingip": wanted}).json()["floatingip"]]
    return str(listed[0]["floating_ip_address"])


def answers(address: str, *, is_new: bool) -> bool:
    """Wait until ssh answers at an address; say whether it does. A server that is not new may be closed to ssh."""
    deadline = time.monotonic() + (ANSWER_SECONDS if is_new else CLOSED_SECONDS)
    while time.monotonic() < deadline:
        with socket.socket() as client:
            client.settimeout(1)
            if client.connect_ex((address, 22)) == 0:
                return True
        time.sleep(0.2)
    return False
