"""The `openstack` command: server groups, and servers that join them."""

from typing import Any

from tests.api.clients.commands import Commands, table

CREATE = "server create --image tiny --flavor m1.tiny --network shared"


def test_life_of_a_group(run: Commands, admin: Commands) -> None:
    made = run.json("server group create --policy anti-affinity --rule max_server_per_host=2 apart")
    assert (made["policy"], made["rules"], made["members"]) == ("anti-affinity", {"max_server_per_host": 2}, [])
    assert run.json("server group show apart")["id"] == made["id"]
    [listed] = run.json("server group list --long")
    assert (listed["ID"], listed["Policy"], listed["Members"]) == (made["id"], "anti-affinity", [])
    assert admin.json("server group list") == []
    assert made["id"] in {one["ID"] for one in admin.json("server group list --all-projects")}
    servers = [
        run.json(f"{CREATE} --hint group={made['id']} --wait vm1"),
        run.json(f"{CREATE} --server-group apart --wait vm2"),
    ]
    assert [one["status"] for one in servers] == ["ACTIVE", "ACTIVE"]
    ids = [one["id"] for one in servers]
    assert run.json("server group show apart")["members"] == ids
    # By name the client shows what the list has, which names no groups, as in Nova.
    assert run.json(f"server show {ids[0]}")["server_groups"] == [made["id"]]
    run("server delete --wait vm1")
    assert run.json("server group show apart")["members"] == ids[1:]
    run("server group delete apart")
    assert run.json(f"server show {ids[1]}")["server_groups"] == []
    assert "apart" in run.refused("server group show apart")


def test_policies_and_refusals(run: Commands) -> None:
    for policy in ("affinity", "soft-affinity", "soft-anti-affinity"):
        assert run.json(f"server group create --policy {policy} g-{policy}")["policy"] == policy
        run(f"server group delete g-{policy}")
    assert "Only anti-affinity policy supports rules" in run.refused(
        "server group create --policy affinity --rule max_server_per_host=2 g"
    )
    none = "7a1f9c04-7c34-4f0c-b48d-6ef0e1f2a8a5"
    assert f"Instance group {none} could not be found" in run.refused(f"{CREATE} --hint group={none} vm")
    assert "different_host" in run.refused(f"{CREATE} --hint different_host=x vm")


def test_old_microversions(run: Commands) -> None:
    old = "--os-compute-api-version 2.14"
    made = run.json(f"{old} server group create --policy affinity old")
    assert made["policies"] == ["affinity"]
    assert "soft-affinity" in run.refused(f"{old} server group create --policy soft-affinity new")
    run(f"{old} server group delete old")


def test_nova_command(run: Commands) -> None:
    row: Any = table(run.nova("server-group-create apart anti-affinity"))[0]
    assert row[0] == table(run.nova("server-group-get " + row[0]))[0][0]
    run.nova(f"server-group-delete {row[0]}")
