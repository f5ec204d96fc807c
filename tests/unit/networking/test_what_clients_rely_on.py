"""Answers that named clients match, word for word or filter by filter: Tempest, Terraform, CAPO, Gardener, Zuul."""

import itertools
import uuid
from typing import Any

import pytest

from apps.networking.api.views.versions import EXTENSIONS
from apps.networking.models import Network
from apps.networking.services import ports
from apps.networking.values import RequestedNetwork
from tests.callers import Caller
from tests.unit.networking.dialogue import make


def error(response: Any) -> tuple[int, str, str]:
    document = response.json()["NeutronError"]
    return response.status_code, document["type"], document["message"]


def listed(who: Caller, collection: str, query: str, key: str = "name") -> list[str]:
    response = who.get(f"/{collection}?{query}")
    assert response.status_code == 200, response.content
    return sorted(one[key] for one in response.json()[collection.replace("-", "_")])


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"protocol": "tcp", "port_range_min": -16, "port_range_max": 80}, "Invalid value for port -16"),
        ({"protocol": "tcp", "port_range_min": 81, "port_range_max": 80}, "port_range_min must be <= port_range_max"),
        ({"protocol": "icmp", "port_range_max": 2}, "ICMP type (port-range-min) is missing"),
        ({"protocol": "icmp", "port_range_min": 1, "port_range_max": 256}, "Invalid value for ICMP code"),
        ({"ethertype": "IPv6", "remote_ip_prefix": "10.0.0.0/8"}, "Conflicting value ethertype"),
    ],
)
def test_texts_of_rules(alice: Caller, values: dict[str, Any], text: str) -> None:
    (group,) = alice.get("/security-groups").json()["security_groups"]
    body = {"security_group_id": group["id"], "direction": "ingress", **values}
    code, _, message = error(alice.post("/security-group-rules", {"security_group_rule": body}))
    assert code == 400
    assert text in message


def test_texts_of_what_is_in_use(alice: Caller, network: Network) -> None:
    """Terraform tries again on 409; the SDK's users read the sentence."""
    subnet = network.subnets.get()
    group = make(alice, "security_group", name="g")
    port = make(alice, "port", network_id=str(network.id), security_groups=[group["id"]])
    ip = port["fixed_ips"][0]["ip_address"]
    code, kind, message = error(alice.delete(f"/networks/{network.id}"))
    assert (code, kind) == (409, "NetworkInUse")
    assert "There are one or more ports still in use on the network" in message
    assert error(alice.delete(f"/subnets/{subnet.id}"))[:2] == (409, "SubnetInUse")
    assert error(alice.delete(f"/security-groups/{group['id']}"))[:2] == (409, "SecurityGroupInUse")
    again = {"network_id": str(network.id), "fixed_ips": [{"ip_address": ip}]}
    assert error(alice.post("/ports", {"port": again}))[:2] == (409, "IpAddressAlreadyAllocated")
    body = {"network_id": str(network.id), "cidr": subnet.cidr, "ip_version": 4}
    code, _, message = error(alice.post("/subnets", {"subnet": body}))
    assert code == 400
    assert "overlaps with another subnet" in message


def test_lists_by_tags(alice: Caller, admin: Caller, network: Network, make_network: Any) -> None:
    """CAPO filters by tags, Gardener finds its ports by them."""
    public = make_network(admin, "198.18.7.0/24", external=True)
    ours = {"network_id": str(network.id)}
    ports = (make(alice, "port", **ours)["id"] for _ in range(3))
    numbers = itertools.count(1)
    for collection, noun, values in (
        ("networks", "network", lambda: {}),
        ("subnets", "subnet", lambda: {**ours, "ip_version": 4, "cidr": f"10.77.{next(numbers)}.0/24"}),
        ("subnetpools", "subnetpool", lambda: {"prefixes": ["10.0.0.0/8"]}),
        ("ports", "port", lambda: ours),
        ("routers", "router", lambda: {}),
        ("floatingips", "floatingip", lambda: {"floating_network_id": str(public.id)}),
        ("security-groups", "security_group", lambda: {}),
        ("trunks", "trunk", lambda: {"port_id": next(ports)}),
    ):
        for name, tags in (("a", ["red"]), ("b", ["red", "blue"]), ("c", ["green"])):
            named = {"description": name} if noun == "floatingip" else {"name": name, "description": name}
            one = make(alice, noun, **named, **values())
            path = f"/{collection}/{one['id']}/tags"
            assert alice.put(path, {"tags": tags}).json() == {"tags": tags}
        for query, expected in (
            ("tags=red", ["a", "b"]),
            ("tags=red,blue", ["b"]),
            ("tags-any=blue,green", ["b", "c"]),
            ("not-tags=red,blue&tags-any=red,green", ["a", "c"]),
            ("not-tags-any=red,blue&tags-any=red,green", ["c"]),
        ):
            assert listed(alice, collection, query, "description") == expected, (collection, query)


def test_lists_of_ports(alice: Caller, network: Network) -> None:
    """CCM and Terraform ask by device and address, Zuul's cleaning by status and owner."""
    subnet = network.subnets.get()
    group = make(alice, "security_group", name="g")
    values: Any = {"network_id": str(network.id)}
    address = {"ip_address": "10.9.0.200"}  # part of no other address
    loose = make(alice, "port", name="loose", security_groups=[group["id"]], fixed_ips=[address], **values)
    server = uuid.uuid4()
    ports.allocate_for_server(
        server_id=server,
        project_id=alice.project_id,
        host="h",
        requests=[RequestedNetwork(network_id=network.id), RequestedNetwork(network_id=network.id, port_id=None)],
        zone="east",
    )
    own = make(alice, "port", name="own", **values)
    ports.allocate_for_server(
        server_id=server,
        project_id=alice.project_id,
        host="h",
        requests=[
            RequestedNetwork(network_id=network.id),
            RequestedNetwork(network_id=network.id),
            RequestedNetwork(network_id=network.id, port_id=uuid.UUID(own["id"])),
        ],
        zone="east",
    )
    ip = loose["fixed_ips"][0]["ip_address"]
    for query, expected in (
        (f"device_id={server}", ["", "", "own"]),
        ("device_owner=compute:east", ["", "", "own"]),
        (f"fixed_ips=ip_address%3D{ip}", ["loose"]),
        (f"fixed_ips=ip_address%3D{ip}&fixed_ips=subnet_id%3D{subnet.id}", ["loose"]),
        (f"fixed_ips=ip_address_substr%3D{ip}", ["loose"]),
        (f"security_groups={group['id']}", ["loose"]),
        ("status=DOWN&name=loose", ["loose"]),
        ("status=ACTIVE", []),
    ):
        assert listed(alice, "ports", query) == expected, query
    ports.release_for_server(server_id=server)
    freed = alice.get(f"/ports/{own['id']}").json()["port"]
    assert (freed["device_id"], freed["device_owner"], freed["status"]) == ("", "", "DOWN")
    assert (loose["device_id"], loose["device_owner"]) == ("", "")


def test_only_what_is_there_is_announced(alice: Caller) -> None:
    """Clients decide by the list of extensions what to ask for."""
    names = {one["alias"] for one in alice.get("/extensions").json()["extensions"]}
    assert names == set(EXTENSIONS)
    for alias, path in (
        ("router", "/routers"),
        ("extraroute-atomic", "/routers"),
        ("trunk", "/trunks"),
        ("qos", "/qos/policies"),
        ("rbac-policies", "/rbac-policies"),
        ("subnet_allocation", "/subnetpools"),
        ("agent", "/agents"),
        ("availability_zone", "/availability_zones"),
    ):
        assert (alias in names) == (alice.get(path).status_code == 200), alias
    for alias, path in (("quotas", f"/quotas/{alice.project_id}"), ("security-group", "/security-groups")):
        assert alias in names
        assert alice.get(path).status_code == 200
