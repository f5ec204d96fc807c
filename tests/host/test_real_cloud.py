"""The whole cloud on real libvirt and OVN: boot `tiny`, read console and key, reach it by ssh, and leave nothing."""

import base64
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.testrun import PREFIX, root_of_states
from tests.cloud import Cloud, wait_for
from tests.host.ovn_cloud import ovn_cloud
from tests.host.ovn_machine import MARKS

pytestmark = [*MARKS, pytest.mark.libvirt, pytest.mark.slow]
RANGE = "198.18.77.0/24"
READ = "wget -q -O - http://169.254.169.254"
SETTINGS = {
    "CELERITY_HOST_DOWN": "20",  # an agent that is restarted beside a guest in emulation is not down
    "CELERITY_FORCE_CONFIG_DRIVE": "false",  # guests have their name and key from the metadata service
    "CELERITY_METADATA_CACHE": "1",
}


@pytest.fixture(scope="module")
def cloud(guest_image: Path) -> Iterator[Cloud]:
    """A project's own network with a router to `public`, and the group `default` open to ssh and ping."""
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    with ovn_cloud(state, guest_image, **SETTINGS) as (cloud, _):
        network = post(cloud, "network", name="test")["id"]
        subnet = post(cloud, "subnet", network_id=network, cidr=RANGE, ip_version=4)["id"]
        router = post(cloud, "router", name="test", external_gateway_info={"network_id": external(cloud)})["id"]
        path = f"/network/v2.0/routers/{router}/add_router_interface"
        assert cloud.call("PUT", path, {"subnet_id": subnet}).status_code == 200
        group = cloud.call("GET", "/network/v2.0/security-groups?name=default").json()["security_groups"][0]["id"]
        for protocol in ("tcp", "icmp"):
            post(cloud, "security-group-rule", security_group_id=group, direction="ingress", protocol=protocol)
        yield cloud


def post(cloud: Cloud, kind: str, **values: object) -> dict[str, Any]:
    answer = cloud.call("POST", f"/network/v2.0/{kind}s", {kind.replace("-", "_"): values})
    assert answer.status_code == 201, answer.text
    return dict(answer.json()[kind.replace("-", "_")])


def external(cloud: Cloud) -> str:
    return str(cloud.call("GET", "/network/v2.0/networks?router:external=true").json()["networks"][0]["id"])


def floating_ip(cloud: Cloud, server_id: str) -> str:
    """Give a server a floating IP, by which the machine reaches it."""
    port = cloud.call("GET", f"/network/v2.0/ports?device_id={server_id}").json()["ports"][0]["id"]
    made = post(cloud, "floatingip", floating_network_id=external(cloud), port_id=port)
    return str(made["floating_ip_address"])


@pytest.fixture(scope="module")
def key(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ssh") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    body = {"keypair": {"name": "test", "public_key": path.with_suffix(".pub").read_text().strip(), "type": "ssh"}}
    assert cloud.call("POST", "/compute/v2.1/os-keypairs", body).status_code == 201
    return path


def boot(cloud: Cloud, name: str, **values: object) -> dict[str, object]:
    image = cloud.call("GET", "/image/v2/images?name=tiny").json()["images"][0]["id"]
    return cloud.settled(cloud.create(name, imageRef=image, key_name="test", **values))


def address(server: dict) -> str:
    return str(server["addresses"]["test"][0]["addr"])


def console(cloud: Cloud, server_id: str) -> str:
    response = cloud.call("POST", f"/compute/v2.1/servers/{server_id}/action", {"os-getConsoleOutput": {}})
    return str(response.json().get("output", ""))


def prompt(cloud: Cloud, server_id: str) -> str:
    """Wait for the login prompt and return the console. A failure shows the console's text."""
    try:
        wait_for(lambda: "login:" in console(cloud, server_id), what="a login prompt", seconds=120)
    except AssertionError as error:
        raise AssertionError(f"{error}: {console(cloud, server_id)[-2000:]!r} {cloud.log('agent')[-3000:]}") from None
    return console(cloud, server_id)


def ssh(key: Path, ip: str, command: str) -> str:
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=5", "LogLevel=ERROR"]
    argv = ["ssh", "-i", str(key), *[part for option in options for part in ("-o", option)], f"root@{ip}", command]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    return done.stdout.strip() if done.returncode == 0 else ""


def act(cloud: Cloud, server_id: str, body: dict) -> dict:
    assert cloud.call("POST", f"/compute/v2.1/servers/{server_id}/action", body).status_code == 202
    return cloud.settled(server_id, seconds=120)


@pytest.mark.timeout(600)
def test_a_guest_boots_and_is_reached(cloud: Cloud, key: Path) -> None:
    server = boot(cloud, "vm1", metadata={"role": "test"})
    assert server["status"] == "ACTIVE"
    ip = address(server)
    text = prompt(cloud, server["id"])
    assert f"eth0 {ip}/24" in text
    assert "ssh keys 1" in text
    ip = floating_ip(cloud, server["id"])
    assert wait_for(lambda: ssh(key, ip, "hostname"), what="an answer over ssh") == "vm1"
    assert "metadata from service" in text
    told = json.loads(ssh(key, ip, f"{READ}/openstack/latest/meta_data.json"))
    assert (told["uuid"], told["meta"]) == (server["id"], {"role": "test"})
    assert ssh(key, ip, f"{READ}/latest/meta-data/public-ipv4") == ip

    change_password(cloud, server["id"], key, ip)
    made = snapshot(cloud, server["id"], key, ip)
    pause_and_suspend(cloud, server["id"], key, ip)
    rescue_and_rebuild(cloud, server["id"], key, ip, made["id"])
    assert act(cloud, server["id"], {"os-stop": None})["status"] == "SHUTOFF"
    assert act(cloud, server["id"], {"os-start": None})["status"] == "ACTIVE"
    assert wait_for(lambda: ssh(key, ip, "uptime"), what="an answer after the start")
    assert act(cloud, server["id"], {"reboot": {"type": "HARD"}})["status"] == "ACTIVE"
    wait_for(lambda: ssh(key, ip, "true; echo up"), what="an answer after the reboot")

    # A guest that powers itself off shows as SHUTOFF within seconds.
    ssh(key, ip, "poweroff")
    wait_for(lambda: (cloud.server(server["id"]) or {}).get("status") == "SHUTOFF", what="SHUTOFF", seconds=30)

    cloud.delete(server["id"])
    cloud.assert_clean()
    uri = cloud.environment["CELERITY_LIBVIRT_URI"]
    command = ["virsh", "-q", "-c", uri, "list", "--all", "--uuid"]
    assert server["id"] not in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert not (cloud.state / "hosts" / cloud.environment["CELERITY_HOST"] / "instances" / server["id"]).exists()

    copy = cloud.settled(cloud.create("copy", imageRef=made["id"], key_name="test"))
    assert copy["status"] == "ACTIVE", copy
    ip = floating_ip(cloud, copy["id"])
    assert (
        wait_for(lambda: ssh(key, ip, "hostname; cat /root/kept"), what="the copy over ssh", seconds=120)
        == "copy\nkept"
    )
    cloud.delete(copy["id"])
    assert cloud.call("DELETE", f"/image/v2/images/{made['id']}").status_code == 204
    cloud.assert_clean()


def pause_and_suspend(cloud: Cloud, server_id: str, key: Path, ip: str) -> None:
    """A paused guest does not answer; one that was suspended continues where it was, also under another agent."""
    boot_id = "cat /proc/sys/kernel/random/boot_id"
    before = ssh(key, ip, f"echo 'in memory' > /run/kept; {boot_id}")
    assert act(cloud, server_id, {"pause": None})["status"] == "PAUSED" and ssh(key, ip, "true; echo up") == ""
    assert act(cloud, server_id, {"unpause": None})["status"] == "ACTIVE"
    assert act(cloud, server_id, {"trigger_crash_dump": None})["status"] == "ACTIVE"
    counters = cloud.call("GET", f"/compute/v2.1/servers/{server_id}/diagnostics", admin=True).json()
    assert (counters["num_cpus"], counters["num_nics"]) == (1, 1) and counters["cpu_details"][0]["time"] > 0
    assert counters["disk_details"][0]["read_bytes"] > 0 and counters["nic_details"][0]["rx_octets"] > 0
    assert act(cloud, server_id, {"suspend": None})["status"] == "SUSPENDED"
    cloud.kill("agent")
    assert act(cloud, server_id, {"resume": None})["status"] == "ACTIVE"
    after = wait_for(lambda: ssh(key, ip, f"cat /run/kept; {boot_id}"), what="an answer after the resume")
    assert after.splitlines() == ["in memory", before]


def rescue_and_rebuild(cloud: Cloud, server_id: str, key: Path, ip: str, image: str) -> None:
    """A rescued guest has its own disk second, and gets it back; a rebuilt one has that of the image."""
    ssh(key, ip, "echo mine > /root/mine; sync")
    assert cloud.call("POST", f"/compute/v2.1/servers/{server_id}/action", {"rescue": None}).status_code == 200
    assert cloud.settled(server_id, seconds=120)["status"] == "RESCUE"
    own = "mkdir -p /mnt; for part in /dev/vdb?*; do mount $part /mnt 2>/dev/null && cat /mnt/root/mine; done"
    read = f"[ ! -e /root/mine ] && ({own}; umount /mnt)"
    assert wait_for(lambda: ssh(key, ip, read), what="the guest's own disk in the rescue", seconds=120) == "mine"
    assert act(cloud, server_id, {"unrescue": None})["status"] == "ACTIVE"
    assert wait_for(lambda: ssh(key, ip, "cat /root/mine"), what="the guest's own disk", seconds=120) == "mine"
    assert act(cloud, server_id, {"rebuild": {"imageRef": image}})["status"] == "ACTIVE"
    read = "[ ! -e /root/mine ] && cat /root/kept"
    assert wait_for(lambda: ssh(key, ip, read), what="the image's disk at the same address", seconds=120) == "kept"


def change_password(cloud: Cloud, server_id: str, key: Path, ip: str) -> None:
    """The guest's agent sets root's password."""
    wait_for(lambda: ssh(key, ip, "pidof qemu-ga"), what="the guest's agent")
    before = ssh(key, ip, "grep ^root: /etc/shadow")
    act(cloud, server_id, {"changePassword": {"adminPass": "correct horse: $battery"}})
    salted = ssh(key, ip, "grep ^root: /etc/shadow").split(":")[1]
    assert before and salted.startswith("$6$") and salted not in before
    command = f"printf %s 'correct horse: $battery' | mkpasswd -m sha512 -S '{salted.split('$')[2]}' -P 0"
    assert ssh(key, ip, command) == salted


def snapshot(cloud: Cloud, server_id: str, key: Path, ip: str) -> dict:
    """Snapshot the running guest. What it has written and not synced is in the image: its agent freezes the disk."""
    ssh(key, ip, "echo kept > /root/kept")
    answer = cloud.call("POST", f"/compute/v2.1/servers/{server_id}/action", {"createImage": {"name": "copy"}})
    assert answer.status_code == 202, answer.text
    made = answer.json()["image_id"]
    cloud.settled(server_id, seconds=60)
    image = dict(cloud.call("GET", f"/image/v2/images/{made}").json())
    assert (image["status"], image["virtual_size"]) == ("active", 1 << 30), image
    assert image["size"] < 256 << 20  # sparse
    steps = "SELECT s.name, extract(epoch FROM s.finished_at - s.started_at)::text FROM workflow_step s"
    print("snapshot", cloud.rows(f"{steps} JOIN workflow_run r ON r.id = s.run_id WHERE r.action = 'createImage'"))
    assert ssh(key, ip, "echo 'not frozen' > /root/after; cat /root/after") == "not frozen"
    return image


# What the guest says of its disks and cards, and the document that describes them.
LOOK = """#!/bin/sh
for one in block/vda block/vdb net/eth0; do echo "device $one $(readlink -f /sys/class/$one/device)"; done
for one in vdb sda; do
    mkdir -p /tmp/$one; mount /dev/$one /tmp/$one && echo "mounted $one $(cat /sys/block/$one/size)"
done
echo "swap $(grep -c /dev/vdc /proc/swaps)"
mkdir -p /tmp/drive; mount -o ro $(findfs LABEL=config-2) /tmp/drive && cat /tmp/drive/openstack/latest/meta_data.json
echo; echo "end of look"
"""


@pytest.mark.heavy  # half a minute of a guest
def test_ephemeral_disks_and_tagged_devices(cloud: Cloud, key: Path) -> None:
    """The disks that the request asks for are in the guest, at the addresses that its metadata names."""
    body = {
        "name": "roomy",
        "vcpus": 1,
        "ram": 128,
        "disk": 1,
        "OS-FLV-EXT-DATA:ephemeral": 2,
        "swap": 64,
        "id": "roomy",
    }
    assert cloud.call("POST", "/compute/v2.1/flavors", {"flavor": body}, admin=True).status_code == 200
    image = cloud.call("GET", "/image/v2/images?name=tiny").json()["images"][0]["id"]
    network = cloud.call("GET", "/network/v2.0/networks?name=test").json()["networks"][0]["id"]
    local = {"destination_type": "local", "delete_on_termination": True}
    blank = {**local, "source_type": "blank", "boot_index": -1}
    server = boot(
        cloud, "disks", flavorRef="roomy", config_drive=True, user_data=base64.b64encode(LOOK.encode()).decode(),
        networks=[{"uuid": network, "tag": "lan"}],
        block_device_mapping_v2=[
            {**local, "source_type": "image", "uuid": image, "boot_index": 0, "tag": "system"},
            {**blank, "volume_size": 1, "guest_format": "ext4", "tag": "first"},
            {**blank, "volume_size": 1, "disk_bus": "scsi", "tag": "second"},
            {**blank, "volume_size": 64, "guest_format": "swap"},
        ],
    )  # fmt: skip
    assert server["status"] == "ACTIVE", server
    wait_for(lambda: "end of look" in console(cloud, server["id"]), what="the guest's own look", seconds=120)
    text = console(cloud, server["id"])
    assert f"mounted vdb {2**21}" in text and f"mounted sda {2**21}" in text and "swap 1" in text, text[-3000:]
    told = {one["tags"][0]: one for one in json.loads(re.findall(r'{"uuid".*}', text)[-1])["devices"]}
    assert {tag: (one["type"], one["bus"]) for tag, one in told.items()} == {
        "lan": ("nic", "pci"), "system": ("disk", "pci"), "first": ("disk", "pci"), "second": ("disk", "scsi"),
    }  # fmt: skip
    for tag, name in (("system", "block/vda"), ("first", "block/vdb"), ("lan", "net/eth0")):
        assert f"/{told[tag]['address']}/virtio" in re.findall(rf"device {name} (.*)", text)[-1], (tag, text[-3000:])
    assert told["second"]["address"] == "none"
    cloud.delete(server["id"])
    cloud.assert_clean()


def cards(key: Path, ip: str) -> set[str]:
    """Return the guest's network cards; none while it does not answer."""
    return set(ssh(key, ip, "ls /sys/class/net").split()) - {"lo"}


@pytest.mark.heavy  # half a minute of a guest
def test_an_interface_is_attached_to_a_running_guest_and_detached(cloud: Cloud, key: Path) -> None:
    """The guest gets an address on its second card, keeps the card over a hard reboot, and gives it back."""
    server = boot(cloud, "two")
    network = post(cloud, "network", name="second")["id"]
    subnet = post(cloud, "subnet", network_id=network, cidr="198.18.78.0/24", ip_version=4)["id"]
    path, ip = f"/compute/v2.1/servers/{server['id']}/os-interface", floating_ip(cloud, server["id"])
    wait_for(lambda: cards(key, ip) == {"eth0"}, what="a guest with one card", seconds=120)

    answer = cloud.call("POST", path, {"interfaceAttachment": {"net_id": network}})
    assert answer.status_code == 200, answer.text
    made = answer.json()["interfaceAttachment"]
    cloud.settled(server["id"])
    assert cloud.call("GET", f"{path}/{made['port_id']}").json()["interfaceAttachment"]["port_state"] == "ACTIVE"
    wait_for(lambda: "eth1" in cards(key, ip), what="the second card", seconds=60)
    lease = "ip link set eth1 up; udhcpc -i eth1 -n -q >&2; ip -4 -o addr show dev eth1"
    address = made["fixed_ips"][0]["ip_address"]
    wait_for(lambda: f"{address}/24" in ssh(key, ip, lease), what=f"the address {address}", seconds=60)

    assert act(cloud, server["id"], {"reboot": {"type": "HARD"}})["status"] == "ACTIVE"
    wait_for(lambda: cards(key, ip) == {"eth0", "eth1"}, what="both cards after the reboot", seconds=120)
    assert cloud.call("DELETE", f"{path}/{made['port_id']}").status_code == 202
    cloud.settled(server["id"], seconds=120)
    assert cloud.call("GET", f"{path}/{made['port_id']}").status_code == 404
    assert cards(key, ip) == {"eth0"}
    tap = f"tap{made['port_id'].replace('-', '')[:11]}"
    uri = cloud.environment["CELERITY_LIBVIRT_URI"]
    for flags in ([], ["--inactive"]):
        command = ["virsh", "-q", "-c", uri, "dumpxml", *flags, server["id"]]
        assert tap not in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert cloud.call("DELETE", f"/network/v2.0/subnets/{subnet}").status_code == 204
    assert cloud.call("DELETE", f"/network/v2.0/networks/{network}").status_code == 204
    cloud.delete(server["id"])
    cloud.assert_clean()


@pytest.mark.heavy  # a minute of a guest that answers nothing
def test_volumes_of_a_dead_guest(cloud: Cloud, key: Path) -> None:
    """The CSI driver waits 72 s for an attachment, 48 s for a detachment, 16 s for other states. The guest's kernel has
    panicked: it releases nothing, and the volume is in use again.
    """
    server = boot(cloud, "dead")
    prompt(cloud, server["id"])
    ip = floating_ip(cloud, server["id"])
    die = "echo 0 > /proc/sys/kernel/panic; (sleep 1; echo c > /proc/sysrq-trigger) > /dev/null 2>&1 & echo so"
    wait_for(lambda: ssh(key, ip, die), what="ssh")
    wait_for(lambda: "Kernel panic" in console(cloud, server["id"]), what="a panic", seconds=60)
    volumes, path = "/volume/v3/volumes", f"/compute/v2.1/servers/{server['id']}/os-volume_attachments"

    def wait(seconds: int, *words: str) -> str:
        def reached() -> str:
            status = cloud.call("GET", f"{volumes}/{volume}").json()["volume"]["status"]
            return status if status in words else ""

        began = time.monotonic()
        status = wait_for(reached, what=f"{words}", seconds=seconds)
        print(f"{status} after {time.monotonic() - began:.1f} s")
        return str(status)

    answer = cloud.call("POST", volumes, {"volume": {"size": 1, "name": "pvc"}})
    assert answer.status_code == 202, answer.text
    volume = answer.json()["volume"]["id"]
    wait(16, "available")
    assert cloud.call("POST", path, {"volumeAttachment": {"volumeId": volume}}).status_code == 200
    wait(72, "in-use")
    cloud.settled(server["id"])
    assert cloud.call("DELETE", f"{path}/{volume}").status_code == 202
    wait(5, "detaching")
    assert cloud.call("DELETE", f"{path}/{volume}").status_code in (202, 400)
    wait(48, "in-use", "available", "error")
    shown = cloud.call("GET", f"{volumes}/{volume}").json()["volume"]
    assert (shown["status"], [row["server_id"] for row in shown["attachments"]]) == ("in-use", [server["id"]])
    assert cloud.settled(server["id"])["status"] == "ACTIVE"
    assert act(cloud, server["id"], {"os-stop": None})["status"] == "SHUTOFF"
    assert cloud.call("DELETE", f"{path}/{volume}").status_code == 202
    wait(48, "available")
    assert cloud.call("DELETE", f"{volumes}/{volume}").status_code == 202
    wait_for(lambda: cloud.call("GET", f"{volumes}/{volume}").status_code == 404, what="no volume", seconds=16)
    cloud.delete(server["id"])
    cloud.assert_clean()


def test_agent_killed_in_mid_boot(cloud: Cloud, key: Path) -> None:
    image = cloud.call("GET", "/image/v2/images?name=tiny").json()["images"][0]["id"]
    server_id = cloud.create("mid", imageRef=image, key_name="test")
    wait_for(
        lambda: cloud.rows("SELECT 1 FROM workflow_run WHERE subject_id = %s AND host <> ''", server_id), what="a host"
    )
    cloud.kill("agent")
    server = cloud.settled(server_id, seconds=120)
    assert server["status"] == "ACTIVE"
    cloud.delete(server_id)
    cloud.assert_clean()


@pytest.mark.heavy  # 20 seconds; the kill matrix does the same on simulated hosts
def test_servers_come_back_after_the_host_went_down(cloud: Cloud, key: Path) -> None:
    server = boot(cloud, "back")
    ip = floating_ip(cloud, server["id"])
    cloud.kill("agent", restart=False)
    cloud.manage("host_shutdown", "--timeout", "0")
    cloud.start("agent")
    wait_for(lambda: ssh(key, ip, "echo up"), what="the guest after the return", seconds=90)
    assert cloud.settled(server["id"])["status"] == "ACTIVE"
    cloud.delete(server["id"])
    cloud.assert_clean()
