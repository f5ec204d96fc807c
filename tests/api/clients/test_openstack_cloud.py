"""The `openstack` command: networks, identity, and what administrators look at."""

from tests.api.clients.commands import Commands
from tests.cloud import Cloud, wait_for

SERVICE_TYPES = {"identity", "compute", "image", "network", "volumev3", "block-storage"}


def test_networks(run: Commands) -> None:
    network = run.json("network create private")
    subnet = run.json("subnet create --network private --subnet-range 10.0.0.0/24 --dns-nameserver 9.9.9.9 s1")
    assert (subnet["gateway_ip"], subnet["dns_nameservers"]) == ("10.0.0.1", ["9.9.9.9"])
    assert run.json("network show private")["subnets"] == [subnet["id"]]
    assert {one["Name"] for one in run.json("network list")} >= {"private", "shared"}
    port = run.json("port create --network private p1")
    assert port["network_id"] == network["id"]
    assert [one["Name"] for one in run.json("port list --network private")] == ["p1"]
    run("port set --name p2 p1")
    run("network set --description words private")
    run("subnet set --name s2 s1")
    assert "overlaps with another subnet" in run.refused("subnet create --network private --subnet-range 10.0.0.0/25 s")
    assert "still in use" in run.refused("network delete private")
    run("port delete p2")
    run("subnet delete s2")
    run("network delete private")


def test_security_groups(run: Commands) -> None:
    group = run.json("security group create sg1")
    assert len(group["rules"]) == 2
    rule = run.json("security group rule create --proto tcp --dst-port 22 sg1")
    assert (rule["port_range_min"], rule["remote_ip_prefix"], rule["direction"]) == (22, "0.0.0.0/0", "ingress")
    run("security group rule create --proto icmp --remote-group sg1 sg1")
    assert len(run.json("security group rule list sg1")) == 4
    run(f"security group rule delete {rule['id']}")
    run("security group set --name sg2 sg1")
    assert len(run.json("security group show sg2")["rules"]) == 3
    run("security group delete sg2")


def test_limits_and_quotas(cloud: Cloud, run: Commands, admin: Commands) -> None:
    quotas = {one["Resource"]: one["Limit"] for one in run.json("quota show")}
    assert (quotas["instances"], quotas["cores"], quotas["networks"]) == (10, 20, 100)
    limits = {one["Name"]: one["Value"] for one in run.json("limits show --absolute")}
    assert (limits["max_total_instances"], limits["total_instances_used"]) == (10, 0)
    admin("quota set --instances 1 demo")
    assert {one["Resource"]: one["Limit"] for one in admin.json("quota show demo")}["instances"] == 1
    create = "server create --image tiny --flavor m1.tiny --nic none"
    run(f"{create} --wait vm1")
    assert "Quota exceeded for instances" in run.refused(f"{create} vm2")
    admin("quota delete --compute demo")
    assert {one["Resource"]: one["Limit"] for one in admin.json("quota show --usage demo")}["instances"] == 10


def test_hosts(cloud: Cloud, run: Commands, admin: Commands) -> None:
    listed = admin.json("hypervisor list")
    assert {one["Hypervisor Hostname"] for one in listed} == {"sim-001", "sim-002", "sim-003"}
    shown = admin.json("hypervisor show sim-001")
    assert (shown["state"], shown["status"], shown["hypervisor_type"]) == ("up", "enabled", "simulated")
    assert admin.json("hypervisor stats show")["count"] == 3
    assert [one["Zone Name"] for one in run.json("availability zone list --compute")] == ["nova"]
    services = admin.json("compute service list --service nova-compute")
    assert {one["Host"] for one in services} == {"sim-001", "sim-002", "sim-003"}
    admin("compute service set --disable --disable-reason maintenance sim-002 nova-compute")
    [service] = admin.json("compute service list --host sim-002 --long")
    assert (service["Status"], service["Disabled Reason"]) == ("disabled", "maintenance")
    refused = admin.json("server create --image tiny --flavor 1 --nic none --availability-zone nova:sim-002 vm1")["id"]
    wait_for(lambda: cloud.server(refused) and cloud.settled(refused)["status"] == "ERROR", what="no valid host")
    admin("compute service set --enable sim-002 nova-compute")
    assert admin.json("compute service list --host sim-002")[0]["Status"] == "enabled"
    admin("usage list")
    admin("server list --all-projects --long")
    admin("server list --all-projects --host sim-001")


def test_flavors(run: Commands, admin: Commands) -> None:
    made = admin.json(
        "flavor create --ram 64 --disk 1 --vcpus 2 --swap 16 --property a:b=c --private --project demo f1"
    )
    assert (made["ram"], made["vcpus"], made["swap"], made["properties"]) == (64, 2, 16, {"a:b": "c"})
    assert "f1" in {one["Name"] for one in run.json("flavor list --all")}
    admin("flavor set --property d:e=f --description words f1")
    assert admin.json("flavor show f1")["properties"] == {"a:b": "c", "d:e": "f"}
    admin("flavor unset --property d:e f1")
    admin("flavor unset --project demo f1")
    assert "No Flavor found" in run.refused("flavor show f1")
    assert "already exists" in admin.refused("flavor create --ram 64 --disk 1 --vcpus 2 m1.tiny")
    admin("flavor delete f1")
    assert "Policy doesn't allow" in run.refused("flavor create --ram 64 --disk 1 --vcpus 2 f2")


def test_identity(run: Commands, admin: Commands) -> None:
    assert {one["Type"] for one in run.json("catalog list")} == SERVICE_TYPES
    assert run.json("token issue")["project_id"]
    admin("project create --description words p1")
    admin("user create --password 'correct horse battery' --project p1 bob")
    admin("role add --user bob --project p1 member")
    rows = admin.json("role assignment list --user bob --project p1 --names")
    assert [one["Role"] for one in rows] == ["member"]
    assert {"bob", "demo", "admin"} <= {one["Name"] for one in admin.json("user list")}
    assert admin.json("project show p1")["description"] == "words"
    assert {"admin", "member", "reader"} <= {one["Name"] for one in admin.json("role list")}
    admin("user set --email bob@example.org bob")
    assert admin.json("user show bob")["email"] == "bob@example.org"
    admin("role remove --user bob --project p1 member")
    admin("user delete bob")
    admin("project delete p1")
    assert "Policy doesn't allow" in run.refused("user list")
    admin("service list")
    admin("endpoint list")
    admin("domain list")
    admin("region list")


def test_extensions_and_versions(run: Commands) -> None:
    assert "security-group" in {one["Alias"] for one in run.json("extension list --network")}
    assert "os-keypairs" in {one["Alias"] for one in run.json("extension list --compute")}
    found = {one["Service Type"]: one["Max Microversion"] for one in run.json("versions show --status CURRENT")}
    assert found["compute"] == "2.104"
