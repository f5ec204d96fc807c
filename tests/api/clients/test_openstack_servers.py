"""The `openstack` command: a member's day with servers."""

from pathlib import Path
from typing import Any

from tests.api.clients.commands import Commands
from tests.cloud import Cloud, wait_for

CREATE = "server create --image tiny --flavor m1.tiny --network shared"


def test_life_of_a_server(run: Commands) -> None:
    key = run("keypair create k1")
    assert key.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    made = run.json(f"{CREATE} --key-name k1 --property role=web --tag t --wait vm1")
    assert (made["status"], made["key_name"], made["OS-EXT-STS:vm_state"]) == ("ACTIVE", "k1", "active")
    [listed] = run.json("server list")
    assert (listed["Name"], listed["Status"], listed["Image"], listed["Flavor"]) == ("vm1", "ACTIVE", "tiny", "m1.tiny")
    address = listed["Networks"]["shared"][0]
    assert made["addresses"] == {"shared": [address]}
    assert run.json("server show vm1")["id"] == made["id"]
    console = run("console log show vm1")
    assert "login:" in console
    assert run("console log show --lines 2 vm1").count("\n") <= 3
    for line, status in (
        ("server stop vm1", "SHUTOFF"),
        ("server start vm1", "ACTIVE"),
    ):
        run(line)
        wait_for(lambda: run.json("server show vm1")["status"] == status, what=f"{status} after {line}")  # noqa: B023
    run("server reboot --hard --wait vm1")
    run("server reboot --soft --wait vm1")
    actions = {one["Action"] for one in run.json("server event list vm1")}
    assert actions == {"create", "stop", "start", "reboot"}
    run("server delete --wait vm1")
    assert run.json("server list") == []
    run("keypair delete k1")


def test_set_and_unset(run: Commands) -> None:
    run(f"{CREATE} --wait vm1")
    run("server set --name vm2 --property a=b --tag x --description d vm1")
    shown = run.json("server show vm2")
    assert (shown["properties"], shown["tags"], shown["description"]) == ({"a": "b"}, ["x"], "d")
    run("server unset --property a --tag x --description vm2")
    shown = run.json("server show vm2")
    assert (shown["properties"], shown["tags"]) == ({}, [])
    assert not shown["description"]
    run("server lock vm2")
    assert "locked" in run.refused("server stop vm2")
    run("server unlock vm2")


def test_events(cloud: Cloud, run: Commands, admin: Commands) -> None:
    made = run.json(f"{CREATE} --wait vm1")
    [entry] = run.json("server event list --long vm1")
    event = run.json(f"server event show vm1 {entry['Request ID']}")
    assert event["action"] == "create"
    names = [one["event"] for one in event["events"]]
    assert any("spawn" in name for name in names)
    shown = admin.json(f"server event show {made['id']} {entry['Request ID']}")
    assert {one["host"] for one in shown["events"] if one["host"]} <= {"sim-001", "sim-002", "sim-003"}


def test_user_data_config_drive_hints_zone(run: Commands) -> None:
    script = run.directory / "script.sh"
    script.write_text("#!/bin/sh\necho hello\n")
    made = run.json(
        f"{CREATE} --user-data {script} --config-drive true --availability-zone nova --hint a=b "
        "--security-group default --description words --wait vm1"
    )
    assert (made["config_drive"], made["OS-EXT-AZ:availability_zone"], made["description"]) == ("True", "nova", "words")
    run(f"{CREATE} --min 2 --max 2 --wait many")
    assert {one["Name"] for one in run.json("server list --name many")} == {"many-1", "many-2"}
    assert [one["Name"] for one in run.json("server list --limit 1 --name many")] == ["many-2"]
    run("server delete --wait many-1 many-2 vm1")


def test_own_port(run: Commands) -> None:
    run("network create mine")
    run("subnet create --network mine --subnet-range 10.4.0.0/24 s1")
    port = run.json("port create --network mine --fixed-ip ip-address=10.4.0.9 p1")
    made = run.json("server create --image tiny --flavor m1.tiny --port p1 --wait vm1")
    assert made["addresses"] == {"mine": ["10.4.0.9"]}
    assert "in use" in run.refused("network delete mine")
    assert run.json("port show p1")["device_id"] == made["id"]
    run("server delete --wait vm1")
    assert run.json("port show p1")["id"] == port["id"]
    run("port delete p1")
    run("subnet delete s1")
    run("network delete mine")


def test_what_members_are_told(run: Commands, bits: Path) -> None:
    assert "No Image found for none" in run.refused("server create --image none --flavor 1 --network shared vm")
    assert "No Flavor found for none" in run.refused("server create --image tiny --flavor none --network shared vm")
    assert "No Server found for none" in run.refused("server show none")
    assert "Quota exceeded for instances" in run.refused(f"{CREATE} --min 11 --max 11 vm")
    assert "Policy doesn't allow" in run.refused("hypervisor list")
    run(f"{CREATE} --wait vm1")
    assert "while it is in vm_state active" in run.refused("server start vm1")
    assert "key_name" in run.refused(f"{CREATE} --key-name none vm")


def test_images(run: Commands, bits: Path) -> None:
    made = run.json(
        f"image create --file {bits} --disk-format raw --container-format bare --property os_type=linux one"
    )
    assert (made["status"], made["size"], made["visibility"]) == ("active", 65536, "shared")
    assert made["name"] in {one["Name"] for one in run.json("image list")}
    run("image set --name two --min-disk 1 --tag t --property a=b one")
    shown = run.json("image show two")
    assert (shown["min_disk"], shown["tags"], shown["properties"]["a"]) == (1, ["t"], "b")
    run("image save --file out.img two")
    assert (run.directory / "out.img").read_bytes() == bits.read_bytes()
    run("image unset --tag t --property a two")
    run("image delete two")
    assert "No Image found" in run.refused("image show two")
    lie = f"image create --file {bits} --disk-format qcow2 --container-format bare liar"
    assert "qcow2" in run.refused(lie)
    for one in run.json("image list --name liar"):
        run(f"image delete {one['ID']}")


def test_key_pairs(run: Commands) -> None:
    run("keypair create --private-key key k2")
    public = run("keypair show --public-key k2").strip()
    (run.directory / "key.pub").write_text(public)
    imported = run.json("keypair create --public-key key.pub k3")
    assert imported["fingerprint"] == run.json("keypair show k2")["fingerprint"]
    assert {one["Name"] for one in run.json("keypair list")} >= {"k2", "k3"}
    assert "already exists" in run.refused("keypair create --public-key key.pub k3")
    run("keypair delete k2 k3")


def test_as_processes_of_their_own(run: Commands) -> None:
    """Each command runs once in a separate process, as users start it."""
    listed: Any = run.subprocess("openstack", "server list")
    assert (listed.returncode, listed.stdout.strip()) == (0, "")
    listed = run.subprocess("nova", "list")
    assert listed.returncode == 0
    assert "Networks" in listed.stdout
