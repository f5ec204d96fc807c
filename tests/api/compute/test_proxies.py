"""Nova's proxies for images, networks and security groups read and write the services' rows, until 2.35."""

import uuid
from typing import Any

import pytest

from apps.compute.models import Server
from apps.images.models import Image
from apps.networking.models import Network, Port
from apps.networking.services import networks, security_groups
from apps.networking.services import ports as port_services
from tests.api.compute.conftest import ComputeCaller


@pytest.fixture
def port(alice: ComputeCaller, server: Server) -> Port:
    network = networks.create(context=alice.context, values={"name": "net"})
    made = port_services.create(context=alice.context, network=network, values={"network_id": network.id})
    Port.objects.filter(id=made.id).update(device_id=str(server.id), request_index=0)
    return made


def test_images(alice: ComputeCaller, image: Image) -> None:
    Image.objects.filter(id=image.id).update(properties={"os_distro": "debian"}, min_ram=64)
    document = alice.get(f"/images/{image.id}").json()["image"]
    assert (document["status"], document["progress"], document["minRam"]) == ("ACTIVE", 100, 64)
    assert document["metadata"] == {"os_distro": "debian"}
    assert [one["rel"] for one in document["links"]] == ["self", "bookmark", "alternate"]
    for params, count in (
        ({"name": "cirros"}, 1), ({"name": "x"}, 0), ({"status": "active"}, 1), ({"status": "SAVING"}, 0),
        ({"minRam": "64"}, 1), ({"changes-since": document["updated"]}, 1), ({"type": "snapshot"}, 0),
    ):  # fmt: skip
        for path in ("/images", "/images/detail"):
            assert len(alice.get(path, **params).json()["images"]) == count, params
    assert alice.get("/images/nonsense").status_code == 404
    assert alice.at("2.36").get("/images").status_code == 404


def test_images_metadata(alice: ComputeCaller, bob: ComputeCaller, image: Image) -> None:
    Image.objects.filter(id=image.id).update(project_id=alice.project_id, properties={"a": "1"})
    path = f"/images/{image.id}/metadata"
    assert alice.post(path, {"metadata": {"b": "2"}}).json() == {"metadata": {"a": "1", "b": "2"}}
    assert alice.put(f"{path}/a", {"meta": {"a": "3"}}).json() == {"meta": {"a": "3"}}
    assert alice.get(f"{path}/a").json() == {"meta": {"a": "3"}}
    assert alice.put(path, {"metadata": {"c": "4"}}).json() == {"metadata": {"c": "4"}}
    assert alice.delete(f"{path}/c").status_code == 204
    assert alice.delete(f"{path}/c").status_code == 404
    assert alice.get(path).json() == {"metadata": {}}
    for name in ("status", "owner", "visibility", "id", "os_glance_x"):  # attributes: as properties nobody saw them
        assert alice.put(f"{path}/{name}", {"meta": {name: "x"}}).status_code == 403, name
        assert alice.post(path, {"metadata": {name: "x"}}).status_code == 403, name
    assert alice.get(path).json() == {"metadata": {}}
    assert bob.post(path, {"metadata": {"b": "2"}}).status_code == 403  # it is public, and hers
    assert bob.delete(f"/images/{image.id}").status_code == 403
    assert alice.delete(f"/images/{image.id}").status_code == 204
    assert alice.get(f"/images/{image.id}").status_code == 404


def rule(group: str, **values: Any) -> dict[str, Any]:
    defaults = {"parent_group_id": group, "ip_protocol": "tcp", "from_port": 22, "to_port": 22}
    return {"security_group_rule": {**defaults, **values}}


def test_security_groups(alice: ComputeCaller, bob: ComputeCaller) -> None:
    body = {"security_group": {"name": "web", "description": "d"}}
    group = alice.post("/os-security-groups", body).json()["security_group"]
    assert {key: group[key] for key in ("name", "description", "tenant_id", "rules")} == {
        "name": "web", "description": "d", "tenant_id": alice.project_id, "rules": [],
    }  # fmt: skip
    made = alice.post("/os-security-group-rules", rule(group["id"])).json()["security_group_rule"]
    assert made["ip_range"] == {"cidr": "0.0.0.0/0"} and made["group"] == {} and made["from_port"] == 22
    own = rule(group["id"], group_id=group["id"])
    assert alice.post("/os-security-group-rules", own).json()["security_group_rule"]["group"]["name"] == "web"
    listed = alice.get("/os-security-groups").json()["security_groups"]
    assert [one["name"] for one in listed] == ["default", "web"] and len(listed[1]["rules"]) == 2
    path = f"/os-security-groups/{group['id']}"
    assert bob.get(path).status_code == bob.delete(path).status_code == 404
    assert bob.delete(f"/os-security-group-rules/{made['id']}").status_code == 404
    renamed = alice.put(path, {"security_group": {"name": "db", "description": ""}})
    assert renamed.json()["security_group"]["name"] == "db"
    assert alice.delete(f"/os-security-group-rules/{made['id']}").status_code == 202
    assert alice.delete(path).status_code == 202
    assert alice.get(path).status_code == 404


BAD_RULES = [
    ({"ip_protocol": "999"}, 400), ({"from_port": 65536}, 400), ({"to_port": 65536}, 400), ({"to_port": 21}, 400),
    ({"parent_group_id": "5"}, 400), ({"cidr": "nonsense"}, 400), ({"ip_protocol": None}, 400),
    ({"from_port": 2.5}, 400),
    ({"parent_group_id": str(uuid.uuid4())}, 404),
]  # fmt: skip


@pytest.mark.parametrize(("values", "code"), BAD_RULES)
def test_bad_rules(alice: ComputeCaller, values: dict[str, Any], code: int) -> None:
    group = str(security_groups.ensure_default(project_id=alice.project_id))
    assert alice.post("/os-security-group-rules", rule(group, **values)).status_code == code


def test_refusals_are_nova_s(alice: ComputeCaller) -> None:
    """The proxy answers 400 where the network service answers 409."""
    group = str(security_groups.ensure_default(project_id=alice.project_id))
    assert alice.delete(f"/os-security-groups/{group}").status_code == 400
    assert alice.post("/os-security-group-rules", rule(group)).status_code == 200
    assert alice.post("/os-security-group-rules", rule(group)).status_code == 400
    for name in ("", " ", "n" * 256):
        body = {"security_group": {"name": name, "description": "d"}}
        assert alice.post("/os-security-groups", body).status_code == 400


def test_networks(alice: ComputeCaller, bob: ComputeCaller, port: Port) -> None:
    network = str(Network.objects.get().id)
    for path in ("/os-networks", "/os-tenant-networks"):
        assert [one["label"] for one in alice.get(path).json()["networks"]] == ["net"]
        assert alice.get(f"{path}/{network}").json()["network"]["id"] == network
        assert bob.get(path).json() == {"networks": []}
        assert bob.get(f"{path}/{network}").status_code == 404
        assert "OpenStack has removed" in alice.post(path, {}).json()["gone"]["message"]
        assert alice.delete(f"{path}/{network}").status_code == 410
        assert alice.at("2.36").get(path).status_code == 404


def test_interfaces_and_groups_of_a_server(
    alice: ComputeCaller, bob: ComputeCaller, server: Server, port: Port
) -> None:
    path = f"/servers/{server.id}/os-interface"
    found = alice.get(path).json()["interfaceAttachments"]
    assert found == [
        {"port_id": str(port.id), "net_id": str(port.network_id), "mac_addr": port.mac_address, "port_state": "DOWN",
         "fixed_ips": []}
    ]  # fmt: skip
    assert alice.get(f"{path}/{port.id}").json()["interfaceAttachment"] == found[0]
    assert "tag" in alice.at("2.70").get(f"{path}/{port.id}").json()["interfaceAttachment"]
    assert alice.get(f"{path}/{uuid.uuid4()}").status_code == 404
    groups = f"/servers/{server.id}/os-security-groups"
    assert [one["name"] for one in alice.get(groups).json()["security_groups"]] == ["default"]
    assert bob.get(path).status_code == bob.get(groups).status_code == 404


def test_adding_and_removing_groups(alice: ComputeCaller, server: Server, port: Port) -> None:
    alice.post("/os-security-groups", {"security_group": {"name": "web"}})
    path, groups = f"/servers/{server.id}/action", f"/servers/{server.id}/os-security-groups"
    without_address = alice.post(path, {"addSecurityGroup": {"name": "web"}})
    assert without_address.status_code == 400
    _address(alice, port)
    for _ in range(2):
        assert alice.post(path, {"addSecurityGroup": {"name": "web"}}).status_code == 202
        assert [one["name"] for one in alice.get(groups).json()["security_groups"]] == ["default", "web"]
    assert alice.post(path, {"removeSecurityGroup": {"name": "web"}}).status_code == 202
    assert alice.post(path, {"removeSecurityGroup": {"name": "web"}}).status_code == 404
    assert alice.post(path, {"addSecurityGroup": {"name": "none"}}).status_code == 404
    for values in (None, {}, {"name": ""}, {"name": 5}, {"name": "web", "x": 1}):
        assert alice.post(path, {"addSecurityGroup": values}).status_code == 400
    assert [one["name"] for one in alice.get(groups).json()["security_groups"]] == ["default"]


def _address(alice: ComputeCaller, port: Port) -> None:
    from apps.networking.models import FixedIP
    from apps.networking.services import subnets

    subnet = subnets.create(
        context=alice.context,
        network=port.network,
        values={"network_id": port.network_id, "ip_version": 4, "cidr": "10.9.0.0/24"},
    )
    FixedIP.objects.create(port=port, subnet_id=subnet.id, ip_address="10.9.0.9")


def test_what_a_server_has_none_of(alice: ComputeCaller, admin: ComputeCaller, server: Server) -> None:
    path = f"/servers/{server.id}"
    assert alice.get(f"{path}/os-volume_attachments").json() == {"volumeAttachments": []}
    assert alice.get(f"{path}/os-volume_attachments/{uuid.uuid4()}").status_code == 404
    assert alice.delete(f"{path}/os-volume_attachments/{uuid.uuid4()}").status_code == 404  # clients repeat until then
    assert alice.get(f"{path}/os-server-password").json() == {"password": ""}
    assert alice.delete(f"{path}/os-server-password").status_code == 204


def test_hosts(admin: ComputeCaller, alice: ComputeCaller, make_host: Any, make_server: Any) -> None:
    make_host("h1", 1)
    make_server(alice, host="h1")
    listed = admin.get("/os-hosts").json()["hosts"]
    assert listed == [{"host_name": "h1", "service": "compute", "zone": "nova"}]
    assert admin.get("/os-hosts", zone="x").json() == {"hosts": []}
    rows = [one["resource"] for one in admin.get("/os-hosts/h1").json()["host"]]
    assert [(one["project"], one["cpu"], one["memory_mb"], one["disk_gb"]) for one in rows][2:] == [
        ("(used_max)", 2, 256, 3), (alice.project_id, 2, 256, 3),
    ]  # fmt: skip
    assert admin.put("/os-hosts/h1", {"status": "disable"}).json() == {"host": "h1", "status": "disabled"}
    for body in ({}, {"status": "x"}, {"maintenance_mode": "x"}):
        assert admin.put("/os-hosts/h1", body).status_code == 400
    assert admin.put("/os-hosts/none", {"status": "enable"}).status_code == 404
    for answer in (admin.get("/os-hosts/h1/reboot"), admin.put("/os-hosts/h1", {"maintenance_mode": "enable"})):
        assert (answer.status_code, "not supported" in answer.json()["notImplemented"]["message"]) == (501, True)
    assert alice.get("/os-hosts").status_code == 403
    assert admin.at("2.43").get("/os-hosts").status_code == 404


def test_usage_audit_log(admin: ComputeCaller, make_host: Any) -> None:
    make_host("h1", 1)
    document = admin.get("/os-instance_usage_audit_log/2026-01-15 00:00:00").json()["instance_usage_audit_log"]
    assert (document["period_beginning"], document["period_ending"]) == ("2025-12-01 00:00:00", "2026-01-01 00:00:00")
    assert document["hosts_not_run"] == ["h1"]
    for text in ("nonsense", "0001-01-01 00:00:00"):
        assert admin.get(f"/os-instance_usage_audit_log/{text}").status_code == 400


@pytest.mark.parametrize("version", ["v2.1", "v2"])
def test_urls_with_the_projects_id(alice: ComputeCaller, bob: ComputeCaller, server: Server, version: str) -> None:
    def ask(project: str, path: str) -> Any:
        caller = ComputeCaller(f"/compute/{version}/{project}", project_id=alice.project_id)
        return caller.get(path)

    dashed = str(uuid.UUID(alice.project_id))
    for project in (alice.project_id, dashed):
        assert [one["id"] for one in ask(project, "/servers").json()["servers"]] == [str(server.id)]
        assert ask(project, f"/servers/{server.id}").json()["server"]["id"] == str(server.id)
    refused = ask(bob.project_id, "/servers")
    assert refused.status_code == 400
    assert "doesn't match" in refused.json()["badRequest"]["message"]


@pytest.mark.usefixtures("no_broker")
def test_unpause(alice: ComputeCaller, server: Server) -> None:
    path = f"/servers/{server.id}/action"
    assert alice.post(path, {"unpause": None}).status_code == 409
    Server.objects.update(vm_state="paused", host="h1")
    assert alice.post(path, {"unpause": None}).status_code == 202
    server.refresh_from_db()
    assert server.task_state == "unpausing"
