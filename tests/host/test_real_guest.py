"""What a real guest is given and tells: passwords, files, why it was paused, that it crashed, its host's restart."""

import base64
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cloud import Cloud, wait_for
from tests.host import test_real_cloud
from tests.host.ovn_machine import MARKS
from tests.host.test_real_cloud import act, boot, floating_ip, prompt, ssh

pytestmark = [*MARKS, pytest.mark.libvirt, pytest.mark.slow, pytest.mark.heavy]
cloud, key = test_real_cloud.cloud, test_real_cloud.key
OLD = {"OpenStack-API-Version": "compute 2.56"}  # has personality
PASSWORD = "http://169.254.169.254/openstack/2013-10-17/password"
DRIVE = "mkdir -p /tmp/drive; mount -o ro $(findfs LABEL=config-2) /tmp/drive 2>/dev/null; cd /tmp/drive/openstack;"
DOG = "/sys/bus/pci/devices/0000:$(cd /sys/bus/pci/devices; grep -l 0x25ab */device | cut -d/ -f1 | cut -d: -f2-)"

# The card is started by hand, with the shortest time: the kernel of `tiny` has no driver for it.
BARK = (
    f"d={DOG}; echo 1 > $d/enable; b=$(head -n 1 $d/resource | cut -d' ' -f1);"
    " u() { devmem $((b + 12)) 16 0x80; devmem $((b + 12)) 16 0x86; };"
    " u; devmem $b 32 1; u; devmem $((b + 4)) 32 1; u; devmem $((b + 12)) 16 0x100;"
    " printf '\\002' | dd of=$d/config bs=1 seek=104 conv=notrunc; echo $d $b"
)


def reach(cloud: Cloud, server_id: str, key: Path) -> str:
    """Return the address by which a server answers."""
    ip = floating_ip(cloud, server_id)
    wait_for(lambda: ssh(key, ip, "true; echo up"), what="an answer over ssh", seconds=120)
    return ip


def has_password(key: Path, ip: str, password: str) -> bool:
    """Say whether root's password in the guest is this one."""
    kept = ssh(key, ip, "grep ^root: /etc/shadow").split(":")
    if len(kept) < 2 or not kept[1].startswith("$6$"):
        return False
    salt = kept[1].split("$")[2]
    return ssh(key, ip, f"printf %s '{password}' | mkpasswd -m sha512 -S '{salt}' -P 0") == kept[1]


def message_of(cloud: Cloud, server_id: str, action: str) -> str:
    """Return what the newest of such actions says."""
    rows = cloud.call("GET", f"/compute/v2.1/servers/{server_id}/os-instance-actions").json()["instanceActions"]
    return next((str(row["message"]) for row in rows if row["action"] == action), "")


def status(cloud: Cloud, server_id: str) -> str:
    return str((cloud.server(server_id) or {}).get("status"))


def process_of(server_id: str) -> int:
    found = subprocess.run(["pgrep", "-f", f"qemu-system.*{server_id}"], capture_output=True, text=True, check=True)
    return int(found.stdout.split()[0])


@pytest.mark.timeout(600)
def test_passwords_and_files(cloud: Cloud, key: Path) -> None:
    """The config drive has both; a rescued guest has the rescue's password; the guest's own reaches its owner."""
    files = [{"path": "/etc/motd", "contents": base64.b64encode(b"hello").decode()}]
    image = cloud.call("GET", "/image/v2/images?name=tiny").json()["images"][0]["id"]
    body = {"name": "given", "imageRef": image, "flavorRef": "1", "key_name": "test", "networks": "auto",
            "config_drive": True, "adminPass": "first: pass", "personality": files}  # fmt: skip
    answer = cloud.call("POST", "/compute/v2.1/servers", {"server": body}, headers=OLD)
    assert answer.status_code == 202 and answer.json()["server"]["adminPass"] == "first: pass", answer.text
    server_id = str(cloud.settled(answer.json()["server"]["id"])["id"])
    path = f"/compute/v2.1/servers/{server_id}"
    assert "root has the server's admin password" in prompt(cloud, server_id)
    ip = reach(cloud, server_id, key)
    assert has_password(key, ip, "first: pass")
    assert ssh(key, ip, f"{DRIVE} grep -o '/etc/motd' latest/meta_data.json; cat content/0000") == "/etc/motd\nhello"
    assert not cloud.rows("SELECT 1 FROM compute_server WHERE id = %s AND admin_password <> ''", server_id)

    assert ssh(key, ip, f"wget -q -O - --post-data=c2VhbGVk {PASSWORD}; echo done") == "done"
    assert cloud.call("GET", f"{path}/os-server-password").json() == {"password": "c2VhbGVk"}
    assert cloud.call("DELETE", f"{path}/os-server-password").status_code == 204
    assert cloud.call("GET", f"{path}/os-server-password").json() == {"password": ""}

    answer = cloud.call("POST", f"{path}/action", {"rescue": {"adminPass": "second: pass"}})
    assert answer.json() == {"adminPass": "second: pass"}
    assert cloud.settled(server_id, seconds=120)["status"] == "RESCUE"
    wait_for(lambda: has_password(key, ip, "second: pass"), what="the rescue's password", seconds=120)
    assert act(cloud, server_id, {"unrescue": None})["status"] == "ACTIVE"
    wait_for(lambda: has_password(key, ip, "first: pass"), what="the guest's own password", seconds=120)
    cloud.delete(server_id)
    cloud.assert_clean()


@pytest.mark.timeout(300)
def test_the_watchdog(cloud: Cloud, key: Path) -> None:
    """It pauses the guest, as the flavor says, and the owner reads why. Unpaused, the guest runs on."""
    body = {"name": "watched", "id": "watched", "vcpus": 1, "ram": 128, "disk": 1}
    assert cloud.call("POST", "/compute/v2.1/flavors", {"flavor": body}, admin=True).status_code == 200
    specs = {"extra_specs": {"hw:watchdog_action": "pause"}}
    assert cloud.call("POST", "/compute/v2.1/flavors/watched/os-extra_specs", specs, admin=True).status_code == 200
    server_id = str(boot(cloud, "watched", flavorRef="watched")["id"])
    ip = reach(cloud, server_id, key)
    ssh(key, ip, f"(sleep 1; {BARK}) > /dev/null 2>&1 < /dev/null &")  # the guest stops amid it
    wait_for(lambda: status(cloud, server_id) == "PAUSED", what="a pause by the watchdog", seconds=60)
    assert "watchdog fired" in message_of(cloud, server_id, "pause")
    assert act(cloud, server_id, {"unpause": None})["status"] == "ACTIVE"
    assert wait_for(lambda: ssh(key, ip, "echo up"), what="an answer after the pause")
    cloud.delete(server_id)
    cloud.assert_clean()


@pytest.mark.timeout(300)
def test_a_guest_that_crashes(cloud: Cloud, key: Path) -> None:
    """It is off, its owner reads why, and it can be started again."""
    server_id = str(boot(cloud, "crashing")["id"])
    os.kill(process_of(server_id), signal.SIGKILL)
    wait_for(lambda: status(cloud, server_id) == "SHUTOFF", what="SHUTOFF after a crash", seconds=30)
    assert "crashed, or was killed" in message_of(cloud, server_id, "stop")
    assert act(cloud, server_id, {"os-start": None})["status"] == "ACTIVE"
    reach(cloud, server_id, key)
    cloud.delete(server_id)
    cloud.assert_clean()
