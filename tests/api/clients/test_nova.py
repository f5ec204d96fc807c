"""The `nova` command of python-novaclient 18."""

from tests.api.clients.commands import Commands, fields, table
from tests.cloud import Cloud, wait_for

BOOT = "boot --image tiny --flavor m1.tiny"


def names(run: Commands) -> set[str]:
    return {row[1] for row in table(run.nova("list"))}


def test_life_of_a_server(cloud: Cloud, run: Commands) -> None:
    run("keypair create n1")
    booted = run.nova(f"{BOOT} --nic auto --key-name n1 --meta a=b --security-groups default --poll vm1")
    assert "Finished" in booted
    shown = fields(run.nova("show vm1"))
    assert (shown["status"], shown["key_name"], shown["metadata"]) == ("ACTIVE", "n1", '{"a": "b"}')
    assert shown["shared network"]
    assert table(run.nova("list"))[0][1:3] == ["vm1", "ACTIVE"]
    assert "login:" in run.nova("console-log vm1")
    key = shown["id"]
    for line, status in (("stop vm1", "SHUTOFF"), ("start vm1", "ACTIVE"), ("reboot --hard vm1", "ACTIVE")):
        run.nova(line)
        wait_for(lambda: cloud.settled(key)["status"] == status, what=f"{status} after {line}")  # noqa: B023
    run.nova("reboot --poll vm1")
    actions = [row[0] for row in table(run.nova("instance-action-list vm1"))]
    assert sorted(actions) == ["create", "reboot", "reboot", "start", "stop"]
    run.nova("update --name vm2 vm1")
    run.nova("meta vm2 set c=d")
    run.nova("server-tag-add vm2 t")
    run.nova("lock vm2")
    run.nova("unlock vm2")
    run.nova("delete vm2")
    wait_for(lambda: names(run) == set(), what="an empty list")
    run("keypair delete n1")


def test_several(run: Commands) -> None:
    run.nova(f"{BOOT} --nic none --min-count 2 --max-count 3 --poll many")
    wait_for(lambda: names(run) == {"many-1", "many-2", "many-3"}, what="three servers")
    run.nova("delete many-1 many-2 many-3")


def test_lists(run: Commands, admin: Commands) -> None:
    assert "m1.tiny" in {row[1] for row in table(run.nova("flavor-list"))}
    assert run.nova("keypair-list")
    assert fields(run.nova("quota-show"))["instances"] == "10"
    assert "nova" in run.nova("availability-zone-list")
    assert "2.96" in run.nova("version-list")
    assert fields(run.nova("flavor-show m1.tiny"))["ram"] == "128"
    assert "Instances" in run.nova("limits")
    assert len(table(admin.nova("hypervisor-list"))) == 3
    # The scheduler lists itself too, a few seconds after its start.
    assert [row[1] for row in table(admin.nova("service-list"))].count("nova-compute") == 3
