"""What a port inherits is resolved before rules apply, and addresses follow the subnet's mode. Neutron's answers."""

import uuid
from typing import Any

import pytest

from apps.common.exceptions import Forbidden
from apps.networking import exceptions, ranges
from apps.networking.models import FixedIP, Network, Port, PortSecurityGroup, Subnet
from apps.networking.services import ports, requested_networks, subnets
from apps.networking.values import InterfacePermissions, RequestedNetwork
from tests.callers import Caller

MAC = "fa:16:3e:00:00:01"
AUTOMATIC = "fd00:9::f816:3eff:fe00:1"
PAIR = {"ip_address": "10.9.0.99"}


def refusal(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["NeutronError"]["type"]


def ask(who: Caller, network: Network, **values: Any) -> Any:
    return who.post("/ports", {"port": {"network_id": str(network.id), **values}})


def make(who: Caller, network: Network, **values: Any) -> Any:
    response = ask(who, network, **values)
    assert response.status_code == 201, response.content
    return response.json()["port"]


@pytest.fixture
def unguarded(alice: Caller, make_network: Any) -> Network:
    return make_network(alice, port_security_enabled=False)


@pytest.fixture
def dual(alice: Caller, network: Network) -> Network:
    """IPv4, and IPv6 whose addresses guests make themselves."""
    values = {"network_id": network.id, "cidr": "fd00:9::/64", "ip_version": 6, "ipv6_ra_mode": "slaac"}
    subnets.create(context=alice.context, network=network, values={**values, "ipv6_address_mode": "slaac"})
    return network


def test_ports_inherit_from_their_network(alice: Caller, unguarded: Network, network: Network) -> None:
    port = make(alice, unguarded)
    assert (port["port_security_enabled"], port["security_groups"]) == (False, [])
    assert make(alice, unguarded, port_security_enabled=True)["security_groups"]
    assert make(alice, network)["security_groups"]
    server = uuid.uuid4()
    for target, count in ((unguarded, 0), (network, 1)):
        wanted = [RequestedNetwork(network_id=target.id)]
        ports.allocate_for_server(server_id=server, project_id=alice.project_id, host="h", requests=wanted)
        made = Port.objects.get(device_id=str(server))
        assert made.port_security_enabled is bool(count)
        assert PortSecurityGroup.objects.filter(port=made).count() == count
        ports.release_for_server(server_id=server)


@pytest.mark.parametrize("inherited", [True, False])
@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({"security_groups": "one"}, (400, "PortSecurityAndIPRequiredForSecurityGroups")),
        ({"allowed_address_pairs": [PAIR]}, (409, "AddressPairAndPortSecurityRequired")),
    ],
)
def test_without_port_security(
    alice: Caller,
    unguarded: Network,
    network: Network,
    inherited: bool,
    values: dict[str, Any],
    answer: tuple[int, str],
) -> None:
    if "security_groups" in values:
        values = {"security_groups": [alice.get("/security-groups").json()["security_groups"][0]["id"]]}
    target, more = (unguarded, {}) if inherited else (network, {"port_security_enabled": False})
    assert refusal(ask(alice, target, **more, **values)) == answer
    bulk = {"ports": [{"network_id": str(target.id), **more, **values}]}
    assert refusal(alice.post("/ports", bulk)) == answer
    assert not Port.objects.exists()
    port = make(alice, target, **more)
    assert refusal(alice.put(f"/ports/{port['id']}", {"port": values})) == answer
    assert alice.put(f"/ports/{port['id']}", {"port": {"port_security_enabled": True, **values}}).status_code == 200


def test_ports_of_one_body_inherit_each_from_its_own_network(alice: Caller, unguarded: Network, dual: Network) -> None:
    plain, own = str(unguarded.id), str(dual.id)
    wanted = [
        {"network_id": plain},
        {"network_id": own, "mac_address": MAC, "allowed_address_pairs": [PAIR]},
        {"network_id": plain, "port_security_enabled": True, "allowed_address_pairs": [PAIR]},
        {"network_id": own, "port_security_enabled": False},
    ]
    answer = alice.post("/ports", {"ports": wanted})
    assert answer.status_code == 201, answer.content
    made = answer.json()["ports"]
    (group,) = alice.get("/security-groups").json()["security_groups"]
    assert [port["network_id"] for port in made] == [one["network_id"] for one in wanted]
    assert [port["port_security_enabled"] for port in made] == [False, True, True, False]
    assert [port["security_groups"] for port in made] == [[], [group["id"]], [group["id"]], []]
    pairs = [[pair["mac_address"] for pair in port["allowed_address_pairs"]] for port in made]
    assert pairs == [[], [MAC], [made[2]["mac_address"]], []]
    automatic = [ranges.eui64("fd00:9::/64", made[index]["mac_address"]) for index in (1, 3)]
    assert [address in ips(made[index]) for address, index in zip(automatic, (1, 3), strict=True)] == [True, True]
    assert alice.get("/ports").json()["ports"] and Port.objects.count() == len(wanted)


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [
        ({"allowed_address_pairs": [PAIR]}, (409, "AddressPairAndPortSecurityRequired")),
        ({"security_groups": "one"}, (400, "PortSecurityAndIPRequiredForSecurityGroups")),
    ],
)
def test_one_port_that_its_network_refuses_refuses_the_whole_body(
    alice: Caller, unguarded: Network, network: Network, wrong: dict[str, Any], answer: tuple[int, str]
) -> None:
    if "security_groups" in wrong:
        wrong = {"security_groups": [alice.get("/security-groups").json()["security_groups"][0]["id"]]}
    good = {"network_id": str(network.id), **wrong}
    bulk = {"ports": [good, {"network_id": str(unguarded.id), **wrong}]}
    assert refusal(alice.post("/ports", bulk)) == answer
    assert not Port.objects.exists()
    assert alice.post("/ports", {"ports": [good, good]}).status_code == 201


def test_switching_port_security_off(alice: Caller, network: Network) -> None:
    path = f"/ports/{make(alice, network, allowed_address_pairs=[PAIR])['id']}"

    def change(**values: Any) -> Any:
        return alice.put(path, {"port": {"port_security_enabled": False, **values}})

    assert refusal(change()) == (409, "AddressPairAndPortSecurityRequired")
    assert refusal(change(allowed_address_pairs=[])) == (409, "PortSecurityPortHasSecurityGroup")
    assert alice.get(path).json()["port"]["allowed_address_pairs"]
    changed = change(allowed_address_pairs=[], security_groups=[]).json()["port"]
    assert (changed["port_security_enabled"], changed["security_groups"]) == (False, [])


def test_a_pair_without_a_mac_has_the_ports(alice: Caller, network: Network) -> None:
    port = make(alice, network, mac_address=MAC, allowed_address_pairs=[PAIR])
    assert port["allowed_address_pairs"] == [{**PAIR, "mac_address": MAC}]
    twice = {"allowed_address_pairs": [PAIR, {**PAIR, "mac_address": MAC}]}
    assert refusal(alice.put(f"/ports/{port['id']}", {"port": twice})) == (400, "DuplicateAddressPairInRequest")


def test_addresses_on_a_shared_network_are_its_owners_to_choose(
    alice: Caller, admin: Caller, make_network: Any, network: Network
) -> None:
    shared = make_network(admin, "10.8.0.0/24", shared=True)
    subnet = Subnet.objects.get(network=shared)
    ip = {"ip_address": "10.8.0.77"}
    assert refusal(ask(alice, shared, fixed_ips=[ip])) == (403, "PolicyNotAuthorized")
    assert refusal(ask(alice, shared, fixed_ips=[{**ip, "subnet_id": str(subnet.id)}]))[0] == 403
    port = make(alice, shared, fixed_ips=[{"subnet_id": str(subnet.id)}])
    held = port["fixed_ips"]
    path = f"/ports/{port['id']}"
    assert alice.put(path, {"port": {"fixed_ips": held}}).status_code == 200  # what it holds it may keep
    assert refusal(alice.put(path, {"port": {"fixed_ips": [ip]}}))[0] == 403
    assert admin.put(path, {"port": {"fixed_ips": [ip]}}).status_code == 200
    assert make(alice, network, fixed_ips=[{"ip_address": "10.9.0.77"}])["fixed_ips"][0]["ip_address"] == "10.9.0.77"
    wanted = [RequestedNetwork(network_id=shared.id, fixed_ip="10.8.0.78")]
    with pytest.raises(Forbidden):
        requested_networks.resolve(
            context=alice.context, requested=wanted, permissions=InterfacePermissions(), hostname="vm"
        )


def test_a_mac_of_a_group_is_taken_and_no_server_uses_it(alice: Caller, network: Network) -> None:
    port = make(alice, network, mac_address="01:00:5E:00:00:01")
    assert port["mac_address"] == "01:00:5e:00:00:01"
    with pytest.raises(exceptions.PortMacUnusable):
        requested_networks.resolve(
            context=alice.context,
            requested=[RequestedNetwork(port_id=uuid.UUID(port["id"]))],
            permissions=InterfacePermissions(),
            hostname="vm",
        )


def test_eui64() -> None:
    assert ranges.eui64("fd00:9::/64", MAC) == AUTOMATIC


def ips(port: Any) -> list[str]:
    return sorted(one["ip_address"] for one in port["fixed_ips"])


def test_guests_make_their_own_addresses(alice: Caller, dual: Network) -> None:
    v4 = [{"ip_address": "10.9.0.50"}]
    port = make(alice, dual, mac_address=MAC, fixed_ips=v4)
    assert ips(port) == ["10.9.0.50", AUTOMATIC]
    path = f"/ports/{port['id']}"
    changed = alice.put(path, {"port": {"fixed_ips": [{"ip_address": "10.9.0.51"}]}}).json()["port"]
    assert ips(changed) == ["10.9.0.51", AUTOMATIC]
    automatic = Subnet.objects.get(ip_version=6)
    for own in ("fd00:9::77", "fd00:9::f816:3eff:fe00:2"):
        for body in ({"ip_address": own}, {"ip_address": own, "subnet_id": str(automatic.id)}):
            assert refusal(ask(alice, dual, fixed_ips=[body])) == (400, "AllocationOnAutoAddressSubnet")
    by_subnet = make(alice, dual, mac_address="fa:16:3e:00:00:02", fixed_ips=[{"subnet_id": str(automatic.id)}])
    assert ips(by_subnet) == ["fd00:9::f816:3eff:fe00:2"]
    assert len(ips(make(alice, dual))) == 2


def test_servers_ports_too(alice: Caller, dual: Network) -> None:
    server = uuid.uuid4()
    (binding,) = ports.allocate_for_server(
        server_id=server, project_id=alice.project_id, host="h", requests=[RequestedNetwork(network_id=dual.id)]
    )
    assert ranges.eui64("fd00:9::/64", binding.mac) in binding.ips
    assert len(binding.ips) == FixedIP.objects.filter(port_id=binding.id).count() == 2


def test_a_new_subnet_of_such_a_mode_reaches_the_ports_that_are_there(alice: Caller, network: Network) -> None:
    port = make(alice, network, mac_address=MAC)
    body = {"network_id": str(network.id), "cidr": "fd00:9::/64", "ip_version": 6, "ipv6_address_mode": "slaac"}
    subnet = alice.post("/subnets", {"subnet": {**body, "ipv6_ra_mode": "slaac"}}).json()["subnet"]
    assert AUTOMATIC in ips(alice.get(f"/ports/{port['id']}").json()["port"])
    assert alice.delete(f"/subnets/{subnet['id']}").status_code == 204
    assert AUTOMATIC not in ips(alice.get(f"/ports/{port['id']}").json()["port"])


@pytest.mark.parametrize(
    "values",
    [
        {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "dhcpv6-stateful"},
        {"ipv6_ra_mode": "slaac", "enable_dhcp": False},
        {"ipv6_ra_mode": "slaac", "cidr": "fd00:9::/60"},
    ],
)
def test_modes_that_cannot_be(alice: Caller, network: Network, values: dict[str, Any]) -> None:
    body = {"network_id": str(network.id), "cidr": "fd00:9::/64", "ip_version": 6, **values}
    assert refusal(alice.post("/subnets", {"subnet": body})) == (400, "InvalidInput")
    assert Subnet.objects.count() == 1


def test_rules_that_name_an_unknown_group(alice: Caller) -> None:
    (group,) = alice.get("/security-groups").json()["security_groups"]
    for unknown in ("bad_group_id", str(uuid.uuid4())):
        rule = {"security_group_id": group["id"], "direction": "ingress", "remote_group_id": unknown}
        answer = alice.post("/security-group-rules", {"security_group_rule": rule})
        assert refusal(answer) == (404, "SecurityGroupNotFound")


@pytest.mark.parametrize(("protocol", "shown"), [(17, "17"), ("17", "17"), ("udp", "udp"), (True, None), ([6], None)])
def test_protocols_by_number(alice: Caller, protocol: Any, shown: str | None) -> None:
    """Neutron takes numbers as numbers too (Tempest: test_create_security_group_rule_with_protocol_integer_value)."""
    (group,) = alice.get("/security-groups").json()["security_groups"]
    rule = {
        "security_group_id": group["id"],
        "direction": "ingress",
        "protocol": protocol,
        "remote_ip_prefix": "10.1.0.0/16",
    }
    answer = alice.post("/security-group-rules", {"security_group_rule": rule})
    if shown is None:
        assert answer.status_code == 400
    else:
        assert answer.json()["security_group_rule"]["protocol"] == shown


def test_ranges_with_host_bits_and_gateways_elsewhere(alice: Caller, make_network: Any) -> None:
    network = make_network(alice, cidr=None)
    body = {"network_id": str(network.id), "cidr": "10.9.0.17/24", "ip_version": 4, "gateway_ip": "10.77.0.1"}
    subnet = alice.post("/subnets", {"subnet": body}).json()["subnet"]
    assert (subnet["cidr"], subnet["gateway_ip"]) == ("10.9.0.0/24", "10.77.0.1")
    assert subnet["allocation_pools"] == [{"start": "10.9.0.1", "end": "10.9.0.254"}]
    assert Port.objects.filter(device_owner="network:dhcp").count() == 1  # served from a separate address
    changed = alice.put(f"/subnets/{subnet['id']}", {"subnet": {"gateway_ip": "10.78.0.1"}}).json()["subnet"]
    assert changed["gateway_ip"] == "10.78.0.1"
    for wrong in ("10.9.0.0", "10.9.0.255", "127.0.0.1", "224.0.0.1", "fd00::1"):
        answer = alice.put(f"/subnets/{subnet['id']}", {"subnet": {"gateway_ip": wrong}})
        assert refusal(answer)[0] == 400, wrong
