"""Values that no host could program are refused when they are asked for; filters that mean something narrow lists."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.networking import exceptions
from apps.networking.models import Network, Port, Subnet
from apps.networking.services import ports, subnets
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal

MULTICAST = "01:00:5e:00:00:01"


@pytest.mark.parametrize(
    ("protocol", "kept"), [("0000999", None), ("0000256", None), ("00006", "6"), ("9" * 40, None), ("tcp", "tcp")]
)
def test_protocols_with_zeros(alice: Caller, protocol: str, kept: str | None) -> None:
    group = make(alice, "security_group", name="web")
    rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": protocol}
    answer = alice.post("/security-group-rules", {"security_group_rule": rule})
    if kept is None:
        assert refusal(answer)[0] == 400
    else:
        assert answer.json()["security_group_rule"]["protocol"] == kept


def test_macs_of_groups(alice: Caller, network: Network) -> None:
    pair = {"ip_address": "10.9.0.9", "mac_address": MULTICAST}
    port = make(alice, "port", network_id=str(network.id))
    wanted = {"port": {"allowed_address_pairs": [pair]}}
    assert alice.put(f"/ports/{port['id']}", wanted).status_code == 400
    loud = make(alice, "port", network_id=str(network.id))
    Port.objects.filter(id=loud["id"]).update(mac_address=MULTICAST)
    router = make(alice, "router", name="r")
    added = alice.put(f"/routers/{router['id']}/add_router_interface", {"port_id": loud["id"]})
    code, _, message = refusal(added)
    assert (code, "multicast" in message) == (400, True)
    assert Port.objects.get(id=loud["id"]).device_id == ""


def test_gateways_outside_of_their_subnets_that_overlap(alice: Caller, make_network: Callable[..., Network]) -> None:
    router = make(alice, "router", name="r")
    codes = []
    for third, gateway in ((1, "8.8.8.8"), (2, "8.8.8.9"), (3, "8.8.9.1")):
        network = make_network(alice, None)
        values = {"network_id": network.id, "cidr": f"10.{third}.0.0/24", "ip_version": 4, "gateway_ip": gateway}
        subnet = subnets.create(context=alice.context, network=network, values=values)
        added = alice.put(f"/routers/{router['id']}/add_router_interface", {"subnet_id": str(subnet.id)})
        codes.append(added.status_code)
    assert codes == [200, 400, 200]


def test_mtus(alice: Caller, admin: Caller, settings: Any, make_network: Callable[..., Network]) -> None:
    settings.PHYSICAL_NETWORKS = ["outside"]
    assert refusal(alice.post("/networks", {"network": {"mtu": 9000}}))[2] == (
        "Invalid input for operation: Requested MTU is too big, maximum is 1442."
    )
    flat = {"provider:network_type": "flat", "provider:physical_network": "outside", "mtu": 1500}
    assert make(admin, "network", **flat)["mtu"] == 1500
    small = make_network(alice, None, mtu=600)
    six = {"network_id": str(small.id), "cidr": "fd00:7::/64", "ip_version": 6}
    assert refusal(alice.post("/subnets", {"subnet": six}))[:2] == (409, "NetworkMTUSubnetConflict")
    assert alice.put(f"/networks/{small.id}", {"network": {"mtu": 1280}}).status_code == 200
    assert alice.post("/subnets", {"subnet": six}).status_code == 201
    lower = alice.put(f"/networks/{small.id}", {"network": {"mtu": 1279}})
    assert refusal(lower)[:2] == (409, "NetworkMTUSubnetConflict")
    Network.objects.filter(id=small.id).update(mtu=1500)  # from before the limit: other changes still work
    kept = alice.put(f"/networks/{small.id}", {"network": {"mtu": 1500, "name": "kept"}}).json()["network"]
    assert (kept["mtu"], kept["name"]) == (1500, "kept")


def test_a_subnet_that_was_deleted_meanwhile(network: Network) -> None:
    subnet = network.subnets.get()
    Subnet.objects.filter(id=subnet.id).delete()
    with pytest.raises(exceptions.SubnetNotFound):
        subnets.update(subnet=subnet, values={"name": "late"})


def test_filters(alice: Caller, admin: Caller, settings: Any, make_network: Callable[..., Network]) -> None:
    settings.PHYSICAL_NETWORKS = ["outside"]
    tagged = {"provider:physical_network": "outside", "provider:segmentation_id": 7}
    vlan = make(admin, "network", name="vlan", **{"provider:network_type": "vlan"}, **tagged)
    plain = make_network(admin, "10.9.0.0/24")

    def ids(who: Caller, path: str, **params: Any) -> set[str]:
        return {row["id"] for rows in who.get(path, **params).json().values() for row in rows}

    assert ids(admin, "/networks", **{"provider:network_type": "vlan"}) == {vlan["id"]}
    assert ids(admin, "/networks", **{"provider:network_type": "geneve"}) == {str(plain.id)}
    assert ids(admin, "/networks", **{"provider:segmentation_id": 7}) == {vlan["id"]}
    assert ids(alice, "/networks", **{"provider:network_type": "geneve"}) == set()
    group = make(alice, "security_group", name="g")
    assert group["id"] not in ids(alice, "/security-groups", shared="true")
    subnet = plain.subnets.get()
    Subnet.objects.filter(id=subnet.id).update(service_types=["network:router_gateway"])
    assert ids(admin, "/subnets", service_types="network:router_gateway") == {str(subnet.id)}
    assert ids(admin, "/subnets", service_types="compute:nova") == set()
    Subnet.objects.filter(id=subnet.id).update(service_types=[])
    made = [
        ports.create(context=admin.context, network=plain, values={"fixed_ips": [{"ip_address": f"10.9.0.{last}"}]})
        for last in (21, 22, 23)
    ]
    two = ["ip_address=10.9.0.21", "ip_address=10.9.0.22"]
    assert ids(admin, "/ports", fixed_ips=two) == {str(port.id) for port in made[:2]}
    assert ids(admin, "/ports", fixed_ips=[*two, f"subnet_id={subnet.id}"]) == {str(port.id) for port in made[:2]}
    bound = admin.get(f"/ports/{made[0].id}").json()["port"]
    assert (bound["binding:vif_type"], bound["binding:vif_details"]) == ("unbound", {})
    Port.objects.filter(id=made[0].id).update(host="h")
    bound = admin.get(f"/ports/{made[0].id}").json()["port"]
    assert (bound["binding:vif_type"], bound["binding:vif_details"]["port_filter"]) == ("ovs", True)
