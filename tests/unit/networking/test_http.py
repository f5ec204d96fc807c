"""The network service over HTTP: shapes, refusals, pages."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.networking.models import Network, Port, SecurityGroup
from apps.networking.services import ports as port_services
from apps.networking.values import RequestedNetwork
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal


def test_discovery(client: Any) -> None:
    assert client.get("/network").json()["versions"][0]["id"] == "v2.0"
    names = {one["name"] for one in client.get("/network/v2.0/").json()["resources"]}
    assert {"network", "subnet", "port"} <= names


def test_networks(alice: Caller, admin: Caller) -> None:
    network = make(alice, "network", name="private", admin_state_up=True)
    assert network["subnets"] == network["tags"] == network["availability_zones"] == []
    assert network["project_id"] == network["tenant_id"] == alice.project_id
    assert (network["status"], network["mtu"], network["router:external"]) == ("ACTIVE", 1442, False)
    assert network["created_at"].endswith("Z")
    assert "provider:network_type" not in network
    shown = admin.get(f"/networks/{network['id']}").json()["network"]
    assert shown["provider:network_type"] == "geneve"
    changed = alice.put(f"/networks/{network['id']}", {"network": {"name": "x"}}).json()["network"]
    assert (changed["name"], changed["revision_number"]) == ("x", 2)
    assert alice.delete(f"/networks/{network['id']}").status_code == 204
    assert refusal(alice.delete(f"/networks/{network['id']}"))[:2] == (404, "NetworkNotFound")


@pytest.mark.parametrize(
    "values",
    [
        {"shared": True},
        {"router:external": True},
        {"provider:network_type": "local"},
        {"is_default": True},
        {"project_id": "f" * 32},
    ],
)
def test_what_only_administrators_set(alice: Caller, admin: Caller, values: dict[str, Any]) -> None:
    assert refusal(alice.post("/networks", {"network": values}))[:2] == (403, "PolicyNotAuthorized")
    assert Network.objects.count() == 0
    assert admin.post("/networks", {"network": values}).status_code == 201


def test_admin_attributes_are_refused_even_unchanged(alice: Caller, network: Network) -> None:
    for values in ({"shared": False}, {"router:external": False}):
        assert refusal(alice.put(f"/networks/{network.id}", {"network": values}))[0] == 403


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "n" * 256}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"mtu": 10}, "mtu"),
        ({"status": "DOWN"}, "status"),
        ({"external": True}, "external"),
        ({"admin_state_up": "perhaps"}, "admin_state_up"),
        ({"provider:segmentation_id": 7}, "segmentation_id"),
    ],
)
def test_bad_networks_name_the_field(admin: Caller, values: dict[str, Any], field: str) -> None:
    code, _, message = refusal(admin.post("/networks", {"network": values}))
    assert code == 400
    assert field in message


def test_bodies_that_are_none(alice: Caller) -> None:
    for body in ({}, {"network": []}, {"networks": {}}, []):
        assert refusal(alice.post("/networks", body))[0] == 400


def test_bulk_is_all_or_nothing(alice: Caller) -> None:
    assert len(alice.post("/networks", {"networks": [{"name": "a"}, {"name": "b"}]}).json()["networks"]) == 2
    assert refusal(alice.post("/networks", {"networks": [{"name": "c"}, {"mtu": 1}]}))[0] == 400
    assert Network.objects.count() == 2


def test_subnets(alice: Caller) -> None:
    network = make(alice, "network")
    subnet = make(alice, "subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    assert subnet["gateway_ip"] == "10.0.0.1"
    assert subnet["allocation_pools"] == [{"start": "10.0.0.2", "end": "10.0.0.254"}]
    assert subnet["dns_nameservers"] == subnet["host_routes"] == subnet["tags"] == []
    body = {"subnet": {"network_id": network["id"], "cidr": "10.0.0.128/25", "ip_version": 4}}
    code, _, message = refusal(alice.post("/subnets", body))
    assert code == 400
    assert "overlaps with another subnet" in message
    values = {"dns_nameservers": ["9.9.9.9"], "host_routes": [{"destination": "10.5.0.0/16", "nexthop": "10.0.0.9"}]}
    changed = alice.put(f"/subnets/{subnet['id']}", {"subnet": values}).json()["subnet"]
    assert {key: changed[key] for key in values} == values
    for bad in ({"dns_nameservers": ["x\nserver=1.2.3.4"]}, {"gateway_ip": "10.0.0.255"}, {"cidr": "10.1.0.0/24"}):
        assert refusal(alice.put(f"/subnets/{subnet['id']}", {"subnet": bad}))[0] == 400
    assert alice.delete(f"/subnets/{subnet['id']}").status_code == 204


def test_dhcp_has_an_address_where_there_is_no_gateway(alice: Caller) -> None:
    network = make(alice, "network")
    subnet = make(alice, "subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4, gateway_ip=None)
    (port,) = alice.get("/ports", network_id=network["id"]).json()["ports"]
    assert port["device_owner"] == "network:dhcp"
    (binding,) = port_services.allocate_for_server(
        server_id=uuid.uuid4(),
        project_id=alice.project_id,
        host="h",
        requests=[RequestedNetwork(network_id=uuid.UUID(network["id"]))],
    )
    from apps.networking.selectors import ports as selectors

    (facts,) = selectors.specs_for_host(host="h")
    assert facts.network.subnets[0].dhcp_ip == port["fixed_ips"][0]["ip_address"] != binding.ips[0]
    assert refusal(alice.delete(f"/ports/{port['id']}"))[:2] == (409, "ServicePortInUse")
    assert refusal(alice.delete(f"/subnets/{subnet['id']}"))[:2] == (409, "SubnetInUse")
    changed = alice.put(f"/subnets/{subnet['id']}", {"subnet": {"gateway_ip": "10.0.0.1"}})
    assert changed.status_code in (200, 409)  # 409 when the guest drew that address


def test_ports(alice: Caller, network: Network) -> None:
    port = make(alice, "port", network_id=str(network.id), fixed_ips=[{"ip_address": "10.9.0.9"}])
    assert port["fixed_ips"][0]["ip_address"] == "10.9.0.9"
    assert port["status"] == "DOWN"
    assert len(port["security_groups"]) == 1
    assert "binding:host_id" not in port
    again = {"port": {"network_id": str(network.id), "fixed_ips": [{"ip_address": "10.9.0.9"}]}}
    assert refusal(alice.post("/ports", again))[:2] == (409, "IpAddressAlreadyAllocated")
    code, kind, message = refusal(alice.delete(f"/networks/{network.id}"))
    assert (code, kind) == (409, "NetworkInUse")
    assert "There are one or more ports still in use on the network" in message
    moved = alice.put(f"/ports/{port['id']}", {"port": {"fixed_ips": [{"ip_address": "10.9.0.10"}]}}).json()["port"]
    assert [one["ip_address"] for one in moved["fixed_ips"]] == ["10.9.0.10"]
    assert alice.delete(f"/ports/{port['id']}").status_code == 204
    assert alice.delete(f"/networks/{network.id}").status_code == 204


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"device_owner": "network:router_gateway"}, 403),
        ({"binding:host_id": "h"}, 403),
        ({"binding:profile": {"a": 1}}, 403),
        ({"mac_address": "zz"}, 400),
        ({"fixed_ips": [{"ip_address": "10.10.0.1"}]}, 400),
        ({"fixed_ips": [{"ip_address": "10.9.0.1"}]}, 409),
        ({"fixed_ips": [{}]}, 400),
        ({"fixed_ips": [{"subnet_id": str(uuid.UUID(int=5))}]}, 400),
        ({"allowed_address_pairs": [{"ip_address": "0.0.0.0/0"}]}, 400),
        ({"allowed_address_pairs": [{"ip_address": "224.0.0.1"}]}, 400),
        ({"allowed_address_pairs": [{"ip_address": f"10.0.{n // 256}.{n % 256}"} for n in range(501)]}, 400),
        ({"extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": "1\ndhcp-script=/x"}]}, 400),
        ({"extra_dhcp_opts": [{"opt_name": "dhcp script", "opt_value": "x"}]}, 400),
        ({"security_groups": [str(uuid.UUID(int=5))]}, 404),
        ({"network_id": str(uuid.UUID(int=5))}, 404),
        ({"network_id": "x"}, 400),
        ({"name": "n" * 256}, 400),
        ({"nonsense": 1}, 400),
    ],
)
def test_refused_ports_write_nothing(alice: Caller, network: Network, values: dict[str, Any], code: int) -> None:
    body = {"port": {"network_id": str(network.id), **values}}
    assert refusal(alice.post("/ports", body))[0] == code
    assert Port.objects.count() == 0


def test_a_servers_port_stays_as_it_is(alice: Caller, network: Network) -> None:
    (binding,) = port_services.allocate_for_server(
        server_id=uuid.uuid4(),
        project_id=alice.project_id,
        host="h",
        requests=[RequestedNetwork(network_id=network.id)],
    )
    path = f"/ports/{binding.id}"
    for values in ({"fixed_ips": [{"ip_address": "10.9.0.99"}]}, {"device_id": ""}, {"device_owner": "x"}):
        assert refusal(alice.put(path, {"port": values}))[:2] == (409, "PortBound")
    assert refusal(alice.delete(path))[:2] == (409, "ServicePortInUse")
    assert alice.put(path, {"port": {"name": "x"}}).status_code == 200


def test_a_foreign_device_id_is_refused(alice: Caller, bob: Caller, make_network: Callable[..., Network]) -> None:
    server = str(uuid.uuid4())
    make(alice, "port", network_id=str(make_network(alice).id), device_id=server)
    own = make_network(bob, cidr="10.8.0.0/24")
    body = {"port": {"network_id": str(own.id), "device_id": server}}
    assert refusal(bob.post("/ports", body))[:2] == (409, "DeviceIDNotOwnedByTenant")


def test_shared_networks(alice: Caller, admin: Caller, make_network: Callable[..., Network]) -> None:
    shared = make_network(admin, shared=True)
    assert alice.get(f"/networks/{shared.id}").status_code == 200
    port = make(alice, "port", network_id=str(shared.id))
    assert alice.get("/networks", shared="True").json()["networks"][0]["id"] == str(shared.id)
    body = {"port": {"network_id": str(shared.id), "mac_address": "fa:16:3e:00:00:09"}}
    assert refusal(alice.post("/ports", body))[0] == 403
    subnet = {"network_id": str(shared.id), "cidr": "10.99.0.0/24", "ip_version": 4}
    assert refusal(alice.post("/subnets", {"subnet": subnet}))[0] == 403
    assert refusal(alice.delete(f"/networks/{shared.id}"))[0] == 403
    assert refusal(admin.put(f"/networks/{shared.id}", {"network": {"shared": False}}))[:2] == (409, "NetworkInUse")
    assert alice.delete(f"/ports/{port['id']}").status_code == 204


def test_filters_fields_sort(alice: Caller) -> None:
    made = [make(alice, "network", name=name)["id"] for name in ("b", "a", "c")]
    listed = alice.get("/networks", sort_key="name", sort_dir="desc", fields="name").json()["networks"]
    assert listed == [{"name": "c"}, {"name": "b"}, {"name": "a"}]
    path = f"/networks?id={made[0]}&id={made[1]}&id=nonsense"
    assert {one["name"] for one in alice.get(path).json()["networks"]} == {"a", "b"}
    assert alice.get("/networks", name="x", unknown="y").json() == {"networks": []}
    assert refusal(alice.get("/networks", sort_key="mac"))[0] == 400
    assert refusal(alice.get("/networks", limit="x"))[0] == 400
    assert refusal(alice.get("/networks", shared="perhaps"))[0] == 400


def test_pages_both_ways(alice: Caller) -> None:
    made = [make(alice, "network", name=str(n))["id"] for n in range(5)]
    seen, url = [], "/networks?limit=2"
    while url:
        body = alice.get(url.partition("/network/v2.0")[2] or url).json()
        seen += [one["id"] for one in body["networks"]]
        links = {link["rel"]: link["href"] for link in body.get("networks_links", [])}
        last, url = links, links.get("next", "")
    assert seen == made
    back = alice.get(last["previous"].partition("/network/v2.0")[2]).json()
    assert [one["id"] for one in back["networks"]] == made[2:4]
    assert refusal(alice.get("/networks", marker=str(uuid.uuid4())))[0] == 404


def test_a_list_that_the_service_cuts_links_to_its_rest(alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.common.pagination.MAX_LIMIT", 2)
    made = [make(alice, "network", name=str(n))["id"] for n in range(3)]
    body = alice.get("/networks").json()
    (link,) = body["networks_links"]
    rest = alice.get(link["href"].partition("/network/v2.0")[2]).json()["networks"]
    assert [one["id"] for one in body["networks"] + rest] == made


def test_port_filters(alice: Caller, network: Network) -> None:
    port = make(alice, "port", network_id=str(network.id), device_id="d")
    ip = port["fixed_ips"][0]["ip_address"]
    for params in ({"fixed_ips": f"ip_address={ip}"}, {"device_id": "d"}, {"mac_address": port["mac_address"].upper()}):
        assert [one["id"] for one in alice.get("/ports", **params).json()["ports"]] == [port["id"]]
    assert alice.get("/ports", fixed_ips="ip_address=x").json()["ports"] == []


def test_query_counts_do_not_grow(alice: Caller, network: Network, django_assert_max_num_queries: Any) -> None:
    for _ in range(5):
        make(alice, "port", network_id=str(network.id))
    for path, most in (("/ports", 3), ("/networks", 2), ("/subnets", 1), ("/security-groups", 3)):
        with django_assert_max_num_queries(most):
            alice.get(path)


def test_the_default_group_is_there_from_the_start(alice: Caller) -> None:
    (group,) = alice.get("/security-groups").json()["security_groups"]
    assert group["name"] == "default"
    directions = sorted((r["direction"], r["ethertype"]) for r in group["security_group_rules"])
    assert directions == [("egress", "IPv4"), ("egress", "IPv6"), ("ingress", "IPv4"), ("ingress", "IPv6")]
    path = f"/security-groups/{group['id']}"
    assert refusal(alice.delete(path))[:2] == (409, "SecurityGroupCannotRemoveDefault")
    assert refusal(alice.put(path, {"security_group": {"name": "x"}}))[0] == 409
    assert refusal(alice.post("/security-groups", {"security_group": {"name": "default"}}))[0] == 409


def test_security_groups_and_rules(alice: Caller, network: Network) -> None:
    group = make(alice, "security_group", name="sg1", description="sg1")
    assert len(group["security_group_rules"]) == 2
    values = {
        "security_group_id": group["id"],
        "direction": "ingress",
        "ethertype": "ipv4",
        "protocol": "TCP",
        "port_range_min": 22,
        "port_range_max": 22,
        "remote_ip_prefix": "10.0.0.7/8",
    }
    rule = make(alice, "security_group_rule", **values)
    assert (rule["protocol"], rule["ethertype"], rule["remote_ip_prefix"]) == ("tcp", "IPv4", "10.0.0.7/8")
    assert rule["normalized_cidr"] == "10.0.0.0/8"
    again = refusal(alice.post("/security-group-rules", {"security_group_rule": values}))
    assert again[:2] == (409, "SecurityGroupRuleExists")
    assert rule["id"] in again[2]
    port = make(alice, "port", network_id=str(network.id), security_groups=[group["id"]])
    assert refusal(alice.delete(f"/security-groups/{group['id']}"))[:2] == (409, "SecurityGroupInUse")
    alice.put(f"/ports/{port['id']}", {"port": {"security_groups": []}})
    assert alice.delete(f"/security-group-rules/{rule['id']}").status_code == 204
    assert alice.delete(f"/security-groups/{group['id']}").status_code == 204


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"protocol": "tcp", "port_range_min": -16, "port_range_max": 80}, "Invalid value for port -16"),
        (
            {"protocol": "tcp", "port_range_min": 80, "port_range_max": 79},
            "port_range_min must be <= port_range_max",
        ),
        ({"protocol": "tcp", "port_range_min": 80}, "port_range_min must be <= port_range_max"),
        ({"protocol": "icmp", "port_range_max": 0}, "ICMP type (port-range-min) is missing"),
        ({"protocol": "icmp", "port_range_min": 8, "port_range_max": 256}, "Invalid value for ICMP code"),
        ({"remote_ip_prefix": "fe80::/64"}, "Conflicting value ethertype"),
        ({"remote_ip_prefix": "10.0.0.0/33"}, "Invalid CIDR"),
        ({"protocol": "bogus"}, "protocol"),
        ({"protocol": "icmpv6"}, "Invalid ethertype"),
        ({"protocol": "vrrp", "port_range_min": 1, "port_range_max": 2}, "only supported for TCP"),
        ({"port_range_min": 1, "port_range_max": 2}, "Must also specify protocol"),
        ({"direction": "sideways"}, "direction"),
    ],
)
def test_refused_rules(alice: Caller, values: dict[str, Any], text: str) -> None:
    group = alice.get("/security-groups").json()["security_groups"][0]
    body = {"security_group_rule": {"security_group_id": group["id"], "direction": "ingress", **values}}
    code, _, message = refusal(alice.post("/security-group-rules", body))
    assert code == 400
    assert text in message


def test_tags(alice: Caller, network: Network) -> None:
    path = f"/networks/{network.id}/tags"
    assert alice.put(path, {"tags": ["red", "blue"]}).json() == {"tags": ["red", "blue"]}
    assert alice.put(f"{path}/green").status_code == 201
    assert alice.get(f"{path}/green").status_code == 204
    assert alice.delete(f"{path}/red").status_code == 204
    assert alice.get(path).json() == {"tags": ["blue", "green"]}
    assert alice.get("/networks", tags="blue,green").json()["networks"][0]["id"] == str(network.id)
    assert refusal(alice.delete(f"{path}/red"))[0] == 404
    assert alice.delete(path).status_code == 204


def test_over_quota(alice: Caller, settings: Any) -> None:
    settings.NETWORK_QUOTAS = {**settings.NETWORK_QUOTAS, "network": 1, "security_group": 1}
    make(alice, "network")
    assert refusal(alice.post("/networks", {"network": {}}))[:2] == (409, "OverQuota")
    assert refusal(alice.post("/security-groups", {"security_group": {"name": "x"}}))[:2] == (409, "OverQuota")
    details = alice.get(f"/quotas/{alice.project_id}/details").json()["quota"]
    assert details["network"] == {"limit": 1, "used": 1, "reserved": 0}


def test_extensions(alice: Caller) -> None:
    aliases = {one["alias"] for one in alice.get("/extensions").json()["extensions"]}
    assert "security-group" in aliases
    assert "metering" not in aliases
    assert refusal(alice.get("/extensions/metering"))[0] == 404
    assert alice.get("/extensions/net-mtu").json()["extension"]["alias"] == "net-mtu"


def test_another_projects_objects_are_not_there(alice: Caller, bob: Caller, network: Network) -> None:
    port = make(alice, "port", network_id=str(network.id))
    group = SecurityGroup.objects.get(project_id=alice.project_id)
    paths = {
        "networks": network.id,
        "subnets": network.subnets.get().id,
        "ports": port["id"],
        "security-groups": group.id,
        "security-group-rules": group.rules.first().id,
    }
    for collection, item in paths.items():
        noun = collection[:-1].replace("-", "_")
        assert bob.get(f"/{collection}/{item}").status_code == 404
        assert bob.delete(f"/{collection}/{item}").status_code == 404
        if collection != "security-group-rules":
            assert bob.put(f"/{collection}/{item}", {noun: {"name": "mine"}}).status_code == 404
            assert bob.put(f"/{collection}/{item}/tags", {"tags": ["x"]}).status_code == 404
        found = bob.get(f"/{collection}").json()[collection.replace("-", "_")]
        assert str(item) not in {one["id"] for one in found}
    rule = {"security_group_id": str(group.id), "direction": "ingress"}
    assert bob.post("/security-group-rules", {"security_group_rule": rule}).status_code == 404
    subnet = {"network_id": str(network.id), "cidr": "10.77.0.0/24", "ip_version": 4}
    assert bob.post("/subnets", {"subnet": subnet}).status_code == 404
    assert bob.post("/ports", {"port": {"network_id": str(network.id)}}).status_code == 404


def test_readers_write_nothing(alice: Caller, network: Network) -> None:
    reader = Caller(alice.prefix, roles=("reader",), project_id=alice.project_id)
    assert reader.get(f"/networks/{network.id}").status_code == 200
    assert reader.post("/networks", {"network": {}}).status_code == 403
    assert reader.delete(f"/networks/{network.id}").status_code == 403
    assert reader.post("/ports", {"port": {"network_id": str(network.id)}}).status_code == 403


def test_nobody_without_a_token(client: Any, network: Network) -> None:
    for path in ("networks", f"networks/{network.id}", "ports", "security-groups", "extensions"):
        response = client.get(f"/network/v2.0/{path}")
        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith("Keystone")
