"""Unmodified clients against a real server: openstacksdk, and the ``openstack`` command."""

from pathlib import Path
from typing import Any

import openstack
import pytest
from openstack import exceptions

from apps.identity.services import bootstrap as identity
from apps.networking.models import Network
from apps.networking.services import bootstrap, ways_out
from tests.api.clients.commands import Commands

PASSWORD = "correct horse"
ADMIN = {"username": "admin", "project_name": "admin"}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def auth(live_server: Any, settings: Any, tmp_path: Path) -> dict[str, Any]:
    settings.FERNET_KEY_DIR = tmp_path / "fernet-keys"
    identity.bootstrap(admin_password=PASSWORD, demo_password=PASSWORD, public_url=live_server.url, region="RegionOne")
    bootstrap.load()
    return {
        "auth_url": f"{live_server.url}/identity",
        "username": "demo",
        "password": PASSWORD,
        "project_name": "demo",
        "user_domain_id": "default",
        "project_domain_id": "default",
    }


@pytest.fixture
def cloud(auth: dict[str, Any]) -> Any:
    return openstack.connect(region_name="RegionOne", **auth)


@pytest.fixture
def run(auth: dict[str, Any], tmp_path: Path) -> Commands:
    return Commands(auth=auth, directory=tmp_path)


def test_sdk_life_of_a_network(cloud: Any) -> None:
    network = cloud.network.create_network(name="private")
    subnet = cloud.network.create_subnet(network_id=network.id, cidr="10.0.0.0/24", ip_version=4, name="s")
    with pytest.raises(exceptions.BadRequestException, match="overlaps with another subnet"):
        cloud.network.create_subnet(network_id=network.id, cidr="10.0.0.0/25", ip_version=4)
    port = cloud.network.create_port(network_id=network.id, fixed_ips=[{"ip_address": "10.0.0.9"}])
    assert [one.id for one in cloud.network.ports(fixed_ips="ip_address=10.0.0.9")] == [port.id]
    with pytest.raises(exceptions.ConflictException, match="one or more ports still in use"):
        cloud.network.delete_network(network, ignore_missing=False)
    cloud.network.set_tags(network, ["t"])
    assert [one.name for one in cloud.network.networks(tags="t")] == ["private"]
    assert cloud.network.update_subnet(subnet, dns_nameservers=["9.9.9.9"]).dns_nameservers == ["9.9.9.9"]
    cloud.network.delete_port(port)
    cloud.network.delete_network(network)
    assert cloud.network.find_subnet("s") is None


@pytest.fixture
def public(auth: dict[str, Any], settings: Any) -> Network:
    """The external network, as `make up` makes it."""
    settings.EXTERNAL_CIDR = "198.19.0.0/24"
    return ways_out.ensure_public(project_id="")


def test_sdk_way_to_the_world(cloud: Any, public: Network) -> None:
    network = cloud.network.create_network(name="private")
    subnet = cloud.network.create_subnet(network_id=network.id, cidr="10.0.0.0/24", ip_version=4)
    gateway = {"network_id": str(public.id)}
    router = cloud.network.create_router(name="way-out", external_gateway_info=gateway)
    assert (router.status, router.external_gateway_info["network_id"]) == ("ACTIVE", str(public.id))
    cloud.network.add_interface_to_router(router, subnet_id=subnet.id)
    port = cloud.network.create_port(network_id=network.id)
    floating_ip = cloud.network.create_ip(floating_network_id=str(public.id), port_id=port.id)
    assert (floating_ip.status, floating_ip.router_id, floating_ip.fixed_ip_address) == (
        "ACTIVE", router.id, port.fixed_ips[0]["ip_address"],
    )  # fmt: skip
    assert cloud.network.find_available_ip() is None
    cloud.network.update_ip(floating_ip, port_id=None)
    assert cloud.network.find_available_ip().id == floating_ip.id
    routes = [{"destination": "10.20.0.0/16", "nexthop": "10.0.0.9"}]
    changed = cloud.network.add_extra_routes_to_router(router, {"router": {"routes": routes}})
    assert changed.routes == routes
    cloud.network.remove_extra_routes_from_router(router, {"router": {"routes": routes}})
    cloud.network.set_tags(router, ["t"])
    assert [item.name for item in cloud.network.routers(tags="t")] == ["way-out"]
    cloud.network.delete_ip(floating_ip)
    cloud.network.remove_interface_from_router(router, subnet_id=subnet.id)
    cloud.network.delete_router(router)
    assert cloud.network.find_router("way-out") is None


def test_commands_of_the_way_to_the_world(run: Commands, public: Network) -> None:
    """Those of docs/networking.md."""
    run("network create private")
    run("subnet create --network private --subnet-range 10.0.0.0/24 private")
    assert run.json("router create --external-gateway public way-out")["status"] == "ACTIVE"
    run("router add subnet way-out private")
    run("port create --network private p")
    made = run.json("floating ip create --port p public")
    assert made["status"] == "ACTIVE"
    run(f"floating ip unset --port {made['id']}")
    assert run.json(f"floating ip show {made['id']}")["status"] == "DOWN"
    run("router unset --external-gateway way-out")
    run("router remove subnet way-out private")
    run("router delete way-out")
    assert run.json("router list") == []


def test_sdk_port_features(cloud: Any, auth: dict[str, Any], public: Network) -> None:
    """Port forwardings, QoS policies, trunks and DNS names."""
    net, admin = cloud.network, openstack.connect(region_name="RegionOne", **{**auth, **ADMIN}).network
    network = net.create_network(name="private", dns_domain="shop.test.")
    subnet = net.create_subnet(network_id=network.id, cidr="10.0.0.0/24", ip_version=4)
    router = net.create_router(external_gateway_info={"network_id": str(public.id)})
    net.add_interface_to_router(router, subnet_id=subnet.id)
    parent, part = (net.create_port(network_id=network.id, dns_name=name) for name in ("web", "db"))
    assert parent.dns_assignment[0]["fqdn"] == "web.shop.test."

    floating_ip = net.create_ip(floating_network_id=str(public.id), dns_name="www", dns_domain="shop.test.")
    ends = {"internal_port_id": parent.id, "internal_ip_address": parent.fixed_ips[0]["ip_address"]}
    forwarding = net.create_port_forwarding(
        floatingip_id=floating_ip.id, protocol="tcp", external_port=2222, internal_port=22, **ends
    )
    assert net.get_ip(floating_ip).status == "ACTIVE"
    changed = net.update_port_forwarding(forwarding.id, floating_ip.id, external_port=2223)
    assert [item.external_port for item in net.port_forwardings(floating_ip.id)] == [changed.external_port] == [2223]
    net.delete_port_forwarding(forwarding.id, floating_ip.id, ignore_missing=False)

    policy = admin.create_qos_policy(name="slow", shared=True)
    limit = admin.create_qos_bandwidth_limit_rule(policy, max_kbps=1000, max_burst_kbps=1000)
    admin.create_qos_dscp_marking_rule(policy, dscp_mark=26)
    assert admin.update_qos_bandwidth_limit_rule(limit, policy, max_kbps=2000).max_kbps == 2000
    assert {rule["type"] for rule in net.find_qos_policy("slow").rules} == {"bandwidth_limit", "dscp_marking"}
    assert net.update_port(parent, qos_policy_id=policy.id).qos_policy_id == policy.id
    with pytest.raises(exceptions.ConflictException, match="is used by port"):
        admin.delete_qos_policy(policy, ignore_missing=False)
    assert [item.type for item in net.qos_rule_types()] == ["bandwidth_limit", "dscp_marking"]

    tagged = {"port_id": part.id, "segmentation_type": "vlan", "segmentation_id": 100}
    trunk = net.create_trunk(name="t", port_id=parent.id)
    net.add_trunk_subports(trunk, [tagged])
    assert net.get_trunk_subports(trunk)["sub_ports"] == [tagged]
    assert net.get_port(parent).trunk_details["trunk_id"] == trunk.id
    net.delete_trunk_subports(trunk, [tagged])
    net.delete_trunk(trunk, ignore_missing=False)


def test_commands_of_port_features(run: Commands, public: Network) -> None:
    """Those whose requests the SDK does not make."""
    run("network create private")
    run("subnet create --network private --subnet-range 10.0.0.0/24 private")
    run("router create --external-gateway public way-out")
    run("router add subnet way-out private")
    fixed = run.json("port create --network private p")["fixed_ips"][0]["ip_address"]
    run("port create --network private other")
    made = run.json("floating ip create public")
    ends = f"--internal-ip-address {fixed} --port p --internal-protocol-port 22 --external-protocol-port 2222"
    run(f"floating ip port forwarding create {ends} --protocol tcp {made['id']}")
    assert run.json(f"floating ip port forwarding list {made['id']}")[0]["External Port"] == 2222
    trunk = run.json(
        "network trunk create --parent-port p --subport port=other,segmentation-type=vlan,segmentation-id=5 t"
    )
    assert trunk["sub_ports"][0]["segmentation_id"] == 5
    run("network trunk unset --subport other t")
    run("network trunk delete t")


def test_sdk_pages(cloud: Any) -> None:
    made = {cloud.network.create_network(name=f"n{n}").id for n in range(5)}
    assert made < {one.id for one in cloud.network.networks(limit=2)}


def test_sdk_extensions_and_quota(cloud: Any) -> None:
    assert cloud.network.find_extension("security-group").alias == "security-group"
    assert cloud.network.find_extension("router").alias == "router"
    assert cloud.network.find_extension("trunk").alias == "trunk"
    assert cloud.network.find_extension("metering") is None
    assert cloud.network.get_quota(cloud.current_project_id).networks == 100


def test_command(run: Commands) -> None:
    assert {network["Name"] for network in run.json("network list")} == {"shared", "public"}
    assert run.json("network create private")["status"] == "ACTIVE"
    subnet = run.json("subnet create --network private --subnet-range 10.0.0.0/24 s1")
    assert subnet["allocation_pools"] == [{"start": "10.0.0.2", "end": "10.0.0.254"}]
    assert run.json("port create --network private p1")["fixed_ips"][0]["subnet_id"] == subnet["id"]
    group = run.json("security group create sg1")
    rule = run.json("security group rule create --proto tcp --dst-port 22 sg1")
    assert rule["remote_ip_prefix"] == "0.0.0.0/0"
    assert len(run.json("security group rule list sg1")) == 3
    run("port set --security-group sg1 p1")
    assert group["id"] in run.json("port show p1")["security_group_ids"]
    run("port delete p1")
    run("security group delete sg1")
    run("subnet delete s1")
    run("network delete private")
    assert "standard-attr-tag" in {extension["Alias"] for extension in run.json("extension list --network")}
