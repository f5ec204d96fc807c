"""Key pairs, flavors, quotas, parts of servers; networks."""

from typing import Any

import pytest

from tests.api.bad_input.world import NOWHERE, World

COMPUTE, NETWORK, IDENTITY = "/compute/v2.1", "/network/v2.0", "/identity/v3"
LONG = "x" * 256
HUGE = 10**40

KEY_PAIRS: list[tuple[Any, str]] = [
    ({"name": LONG, "public_key": "ssh-rsa AAAA"}, "name"),
    ({"name": "", "public_key": "ssh-rsa AAAA"}, "name"),
    ({"name": "a/b", "public_key": "ssh-rsa AAAA"}, "name"),
    ({"name": "\0", "public_key": "ssh-rsa AAAA"}, "name"),
    ({"name": 5, "public_key": "ssh-rsa AAAA"}, "name"),
    ({"name": "k"}, "public_key"),
    ({"name": "k", "public_key": "none"}, "key"),
    ({"name": "k", "public_key": "ssh-rsa \0"}, "key"),
    ({"name": "k", "public_key": None}, "public_key"),
    ({"name": "k", "public_key": "ssh-rsa " + "A" * 70000}, "public_key"),
    ({"name": "k", "public_key": "ssh-rsa AAAA", "type": "pgp"}, "type"),
    ({"name": "k", "public_key": "ssh-rsa AAAA", "colour": "red"}, "colour"),
]


@pytest.mark.parametrize(("values", "says"), KEY_PAIRS)
def test_key_pairs(world: World, values: Any, says: str) -> None:
    world.refuses(400, "POST", f"{COMPUTE}/os-keypairs", {"keypair": values}, says=says)
    world.refuses(404, "DELETE", f"{COMPUTE}/os-keypairs/none", says="none")


FLAVORS: list[tuple[Any, str]] = [
    ({"ram": HUGE}, "ram"),
    ({"ram": 0}, "ram"),
    ({"ram": -1}, "ram"),
    ({"ram": "much"}, "ram"),
    ({"ram": None}, "ram"),
    ({"ram": 1.5}, "ram"),
    ({"vcpus": HUGE}, "vcpus"),
    ({"vcpus": 0}, "vcpus"),
    ({"disk": -1}, "disk"),
    ({"disk": HUGE}, "disk"),
    ({"swap": HUGE}, "swap"),
    ({"rxtx_factor": -1}, "rxtx_factor"),
    ({"rxtx_factor": 1e308}, "rxtx_factor"),
    ({"OS-FLV-EXT-DATA:ephemeral": -1}, "ephemeral"),
    ({"name": LONG}, "name"),
    ({"name": " "}, "name"),
    ({"name": "\0"}, "name"),
    ({"id": "a/b"}, "id"),
    ({"id": LONG}, "id"),
    ({"id": []}, "id"),
    ({"os-flavor-access:is_public": "maybe"}, "is_public"),
    ({"description": "x" * 65536}, "description"),
    ({"colour": "red"}, "colour"),
]


@pytest.mark.parametrize(("values", "says"), FLAVORS)
def test_flavors(world: World, values: Any, says: str) -> None:
    body = {"flavor": {"name": "f", "ram": 64, "vcpus": 1, "disk": 1, **values}}
    world.refuses(400, "POST", f"{COMPUTE}/flavors", body, says=says, who="admin")


def test_flavors_are_for_administrators(world: World) -> None:
    body = {"flavor": {"name": "f", "ram": 64, "vcpus": 1, "disk": 1}}
    world.refuses(403, "POST", f"{COMPUTE}/flavors", body, says="flavor")
    world.refuses(403, "DELETE", f"{COMPUTE}/flavors/1", says="flavor")
    world.refuses(404, "DELETE", f"{COMPUTE}/flavors/none", says="none", who="admin")
    taken = {"flavor": {**body["flavor"], "id": "1"}}
    world.refuses(409, "POST", f"{COMPUTE}/flavors", taken, says="already exists", who="admin")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"instances": -2}, "instances"),
        ({"instances": HUGE}, "instances"),
        ({"instances": "many"}, "instances"),
        ({"instances": None}, "instances"),
        ({"colour": 1}, "colour"),
        ({"cores": [1]}, "cores"),
    ],
)
def test_quotas(world: World, values: Any, says: str) -> None:
    project = world.call("GET", f"{IDENTITY}/projects?name=demo", who="admin").json()["projects"][0]["id"]
    path = f"{COMPUTE}/os-quota-sets/{project}"
    world.refuses(400, "PUT", path, {"quota_set": values}, says=says, who="admin")
    world.refuses(403, "PUT", path, {"quota_set": {"instances": 1}}, says="quota")


SPECS = [{"a": None}, {"": "x"}, {"a": "x" * 256}, {"a\0": "x"}, {"a": "\0"}, {"hw:cpu_policy": "x"}, []]


def test_parts(world: World) -> None:
    for specs in SPECS:
        body = {"extra_specs": specs}
        world.refuses(400, "POST", f"{COMPUTE}/flavors/1/os-extra_specs", body, who="admin")
    server = f"{COMPUTE}/servers/{world.server()}"
    for metadata in ({"a": 1}, {"a": None}, {"": "x"}, {"a": LONG}, {"a": "\0"}, {"\0": "a"}, [], None, "x"):
        world.refuses(400, "POST", f"{server}/metadata", {"metadata": metadata})
        world.refuses(400, "PUT", f"{server}/metadata", {"metadata": metadata})
    world.refuses(400, "PUT", f"{server}/metadata/a", {"meta": {"b": "c"}})
    for tags in (["a,b"], [5], ["x" * 61], ["a\0"], "x", None, {}, [str(n) for n in range(51)], [""], ["a/b"]):
        world.refuses(400, "PUT", f"{server}/tags", {"tags": tags}, says="tag")
    world.refuses(404, "DELETE", f"{server}/tags/none", says="none")
    world.refuses(404, "GET", f"{server}/metadata/none", says="metadata")
    world.refuses(404, "GET", f"{server}/os-instance-actions/req-none")


NETWORK_VALUES: list[tuple[str, Any, str]] = [
    ("network", {"name": LONG}, "name"),
    ("network", {"name": 5}, "name"),
    ("network", {"name": "\0"}, "name"),
    ("network", {"admin_state_up": "maybe"}, "admin_state_up"),
    ("network", {"availability_zone_hints": [5]}, "availability_zone_hints"),
    ("network", {"tenant_id": 0}, "tenant_id"),
    ("network", {"mtu": HUGE}, "mtu"),
    ("network", {"mtu": "big"}, "mtu"),
    ("network", {"colour": "red"}, "colour"),
    ("network", {"description": "x" * 300}, "description"),
    ("subnet", {"cidr": "10.0.0.0/33"}, "cidr"),
    ("subnet", {"cidr": 5}, "cidr"),
    ("subnet", {"cidr": None}, "cidr"),
    ("subnet", {"ip_version": 5}, "ip_version"),
    ("subnet", {"ip_version": 6}, "ip_version"),
    ("subnet", {"gateway_ip": "here"}, "gateway_ip"),
    ("subnet", {"gateway_ip": "10.0.0.300"}, "gateway_ip"),
    ("subnet", {"allocation_pools": "x"}, "allocation_pools"),
    ("subnet", {"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.0.2"}]}, "pool"),
    ("subnet", {"dns_nameservers": ["x"]}, "dns_nameservers"),
    ("subnet", {"dns_nameservers": ["9.9.9.9\n--evil"]}, "dns_nameservers"),
    ("subnet", {"host_routes": [{"destination": "x", "nexthop": "y"}]}, "host_routes"),
    ("subnet", {"network_id": NOWHERE}, NOWHERE),
    ("subnet", {"network_id": "x"}, "network_id"),
    ("subnet", {"enable_dhcp": "maybe"}, "enable_dhcp"),
    ("port", {"network_id": NOWHERE}, NOWHERE),
    ("port", {"network_id": []}, "network_id"),
    ("port", {"fixed_ips": "x"}, "fixed_ips"),
    ("port", {"fixed_ips": [{"ip_address": "x"}]}, "ip_address"),
    ("port", {"fixed_ips": [{"subnet_id": NOWHERE}]}, NOWHERE),
    ("port", {"mac_address": "x"}, "mac_address"),
    ("port", {"device_id": "x" * 300}, "device_id"),
    ("port", {"security_groups": [NOWHERE]}, NOWHERE),
    ("port", {"security_groups": "x"}, "security_groups"),
    ("port", {"allowed_address_pairs": [{}]}, "allowed_address_pairs"),
    ("security_group", {"name": LONG}, "name"),
    ("security_group", {"name": "default"}, "default"),
    ("security_group", {"description": []}, "description"),
    ("security_group_rule", {"direction": "up"}, "direction"),
    ("security_group_rule", {"protocol": "fax"}, "protocol"),
    ("security_group_rule", {"port_range_min": -16}, "port"),
    ("security_group_rule", {"protocol": "tcp", "port_range_min": 9, "port_range_max": 2}, "port_range_min"),
    ("security_group_rule", {"protocol": "tcp", "port_range_min": HUGE, "port_range_max": HUGE}, "port"),
    ("security_group_rule", {"remote_ip_prefix": "everywhere"}, "everywhere"),
    ("security_group_rule", {"ethertype": "IPX"}, "ethertype"),
    ("security_group_rule", {"security_group_id": NOWHERE}, NOWHERE),
    ("security_group_rule", {"security_group_id": "x"}, "security_group_id"),
    ("security_group_rule", {"remote_group_id": NOWHERE}, NOWHERE),
]


@pytest.mark.parametrize(("noun", "values", "says"), NETWORK_VALUES)
def test_networks(world: World, noun: str, values: Any, says: str) -> None:
    network = world.call("POST", f"{NETWORK}/networks", {"network": {"name": "n"}}).json()["network"]["id"]
    group = world.call("GET", f"{NETWORK}/security-groups").json()["security_groups"][0]["id"]
    least: dict[str, Any] = {
        "network": {},
        "subnet": {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24"},
        "port": {"network_id": network},
        "security_group": {"name": "g"},
        "security_group_rule": {"security_group_id": group, "direction": "ingress"},
    }
    path = f"{NETWORK}/{noun.replace('_', '-')}s"
    body = {noun: {**least[noun], **values}}
    refused = world.call("POST", path, body)
    assert refused.status_code in (400, 404, 409), refused.content
    world.refuses(refused.status_code, "POST", path, body, says=says)


@pytest.mark.parametrize("noun", ["networks", "subnets", "ports", "security-groups", "security-group-rules"])
def test_network_ids(world: World, noun: str) -> None:
    for key in (NOWHERE, "x", "é", "1" * 3000):
        world.refuses(404, "GET", f"{NETWORK}/{noun}/{key}")
        world.refuses(404, "DELETE", f"{NETWORK}/{noun}/{key}")
    world.refuses(400, "GET", f"{NETWORK}/{noun}/a%00")
