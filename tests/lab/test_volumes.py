"""Volumes of one host for guests of another, real: content, refusals, kills under load, and the loss of their host."""

import json
import time
from typing import Any

import pytest

from deploy.lab import machines
from deploy.lab.plan import LabHost
from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, Guest, Guests, LabCloud
from tests.lab.test_outages import findings, kill

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(1200)]
VOLUME = "/volume/v3"
FIND = 'for d in /sys/block/*; do [ "$(cat $d/serial 2>/dev/null)" = {serial} ] && echo /dev/${{d##*/}}; done; true'
# Each line that comes back after its block is on the disk; a failed write ends it.
WRITE = (
    "(i=0; while dd if=/dev/zero of={disk} bs=4k count=1 seek=$((i % 1000)) conv=fsync 2>>/tmp/errors; do"
    " i=$((i+1)); echo $i > /tmp/written; done; echo ended >> /tmp/errors) > /dev/null 2>&1 < /dev/null &"
)


class Volumes:
    """The volumes of a test, and what a guest does with them."""

    def __init__(self, cloud: LabCloud) -> None:
        self.cloud, self.made = cloud, []  # type: ignore[var-annotated]

    def create(self, host: str, **values: Any) -> str:
        """Make a volume on a host: the others get none meanwhile."""
        others = [f"{item.name}@local" for item in self.cloud.lab.plan.hosts if item.name != host]
        for service in others:
            self.cloud.api.put(f"{VOLUME}/os-services/disable", {"host": service, "binary": "cinder-volume"})
        volume = self.cloud.api.post(f"{VOLUME}/volumes", {"volume": {"size": 1, **values}}).json()["volume"]["id"]
        self.made.append(volume)
        self.wait(volume, "available")
        for service in others:
            self.cloud.api.put(f"{VOLUME}/os-services/enable", {"host": service, "binary": "cinder-volume"})
        assert self.shown(volume)["os-vol-host-attr:host"].startswith(f"{host}@")
        return str(volume)

    def shown(self, volume: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.cloud.api.get(f"{VOLUME}/volumes/{volume}")["volume"]
        return shown

    def wait(self, volume: str, status: str) -> None:
        wait_for(lambda: self.shown(volume)["status"] == status, what=f"volume {volume} {status}", seconds=90)

    def attach(self, volume: str, guest: Guest) -> str:
        """Attach a volume, and return its device in the guest."""
        asked = {"volumeAttachment": {"volumeId": volume}}
        self.cloud.api.post(f"{COMPUTE}/servers/{guest.id}/os-volume_attachments", asked)
        self.wait(volume, "in-use")
        look = FIND.format(serial=volume[:20])
        return wait_for(lambda: self.cloud.ssh(guest, look), what="the disk in the guest", seconds=30)

    def detach(self, volume: str, guest: Guest) -> None:
        self.cloud.api.delete(f"{COMPUTE}/servers/{guest.id}/os-volume_attachments/{volume}")
        self.wait(volume, "available")

    def clear(self) -> None:
        for volume in self.made:
            self.cloud.api.delete(f"{VOLUME}/volumes/{volume}?force=true")
        wait_for(lambda: not self.cloud.api.get(f"{VOLUME}/volumes")["volumes"], what="no volumes", seconds=90)
        self.made.clear()


def daemons(host: LabHost) -> list[str]:
    """Return the command lines of the processes that export volumes, or carry exports, on a host."""
    listed = machines.run(host, "pgrep", "-a", "-x", "qemu-storage-da", check=False).stdout
    return [line for line in listed.splitlines() if "celerity-volumes" in line]


def export_of(host: LabHost, volume: str) -> dict[str, Any]:
    """Return what the host noted of the volume's only export."""
    noted = machines.run(host, "sh", "-c", f"cat /run/celerity-volumes/*/{volume}/exports.json").stdout
    [export] = json.loads(noted)
    return dict(export)


def written(cloud: LabCloud, guest: Guest) -> int:
    return int(cloud.ssh(guest, "cat /tmp/written", check=False) or 0)


def goes_on(cloud: LabCloud, guest: Guest, what: str) -> None:
    """The guest's writes go on, and none has failed."""
    before, began = written(cloud, guest), time.monotonic()
    wait_for(lambda: written(cloud, guest) > before + 5, what=f"writes after {what}", seconds=120)
    errors = cloud.ssh(guest, "grep -E 'ended|rror' /tmp/errors; dmesg | grep -i 'i/o error'", check=False)
    assert not errors, errors
    print(f"{what}: the guest writes on after {time.monotonic() - began:.1f} s.")


def test_a_volume_follows_its_servers(cloud: LabCloud, guests: Guests) -> None:
    """Written at home, read on the other host; its processes are killed under load there, and its host is lost."""
    home, away = cloud.host("compute-2"), cloud.host("compute-1")
    near, far = guests.near, guests.far  # on compute-1, on compute-2
    volumes = Volumes(cloud)
    volume = volumes.create(home.name)
    disk = volumes.attach(volume, far)
    cloud.ssh(far, f"dd if=/dev/urandom of={disk} bs=64k count=64 seek=64; sync")
    digest = cloud.ssh(far, f"dd if={disk} bs=64k count=64 skip=64 2>/dev/null | md5sum")
    volumes.detach(volume, far)

    disk = volumes.attach(volume, near)
    assert cloud.ssh(near, f"dd if={disk} bs=64k count=64 skip=64 2>/dev/null | md5sum") == digest
    assert (len(daemons(home)), len(daemons(away))) == (2, 1)
    refused(away, home, volume)

    cloud.ssh(near, WRITE.format(disk=disk))
    goes_on(cloud, near, "nothing")
    for host, place in ((home, f"*/{volume}/pid"), (home, f"*/{volume}/relays/*/pid"), (away, "*.far/*/pid")):
        machines.run(host, "sh", "-c", f"kill -9 $(cat /run/celerity-volumes/{place})")
        goes_on(cloud, near, f"kill -9 of {place}")
    for host in (home, away):
        kill(host, "host-agent")
    goes_on(cloud, near, "the end of both agents")

    cloud.lab.cut(home)
    before = written(cloud, near)
    wait_for(lambda: home.name in why(cloud, near), what="why says which host is missed", seconds=120)
    assert written(cloud, near) <= before + 1
    cloud.lab.restart(home)
    goes_on(cloud, near, "the loss of the volume's host")

    cloud.ssh(near, "pkill -f 'seek=' ; killall sh", check=False)
    volumes.detach(volume, near)
    wait_for(lambda: not daemons(home) + daemons(away), what="no process of a volume", seconds=60)
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=90)
    volumes.clear()


def refused(client: LabHost, home: LabHost, volume: str) -> None:
    """Without a certificate nobody gets the volume, nor the list of names; a stranger's certificate does not help."""
    export = export_of(home, volume)
    at = f"{export['listening']['address']}:{export['listening']['port']}"
    for name in (export["name"], ""):
        asked = machines.run(client, "qemu-img", "info", f"nbd://{at}/{name}", check=False)
        assert asked.returncode != 0 and "TLS" in asked.stderr, asked
    listed = machines.run(client, "qemu-nbd", "--list", "-b", at.split(":")[0], "-p", at.split(":")[1], check=False)
    assert listed.returncode != 0 and export["name"] not in listed.stdout + listed.stderr, listed
    options = f"driver=nbd,host={at.split(':')[0]},port={at.split(':')[1]},export={export['name']},tls-creds=t"
    where = "/run/celerity-volumes/*.tls"
    mine = f"tls-creds-x509,id=t,dir=$(echo {where}),endpoint=client"
    shell = f"qemu-img info --object {mine} --image-opts {options},tls-hostname={{}}"
    wrong = machines.run(client, "sh", "-c", shell.format("compute-9"), check=False)
    assert wrong.returncode != 0 and "does not match the hostname" in wrong.stderr, wrong
    right = machines.run(client, "sh", "-c", shell.format(home.name), check=False)
    assert right.returncode == 0, right  # its own host is let in
    home_as_client = machines.run(home, "sh", "-c", shell.format(home.name), check=False)
    assert home_as_client.returncode != 0, home_as_client  # another one, with a certificate of the cloud, is not


def why(cloud: LabCloud, guest: Guest) -> str:
    return machines.run(cloud.lab.plan.first, "celerity", "why", guest.id, check=False).stdout


def test_a_server_boots_from_a_volume_of_another_host(cloud: LabCloud, guests: Guests) -> None:
    volumes = Volumes(cloud)
    volume = volumes.create("compute-2", imageRef=cloud.image)
    asked = {
        "name": "booted", "flavorRef": cloud.flavor, "host": "compute-1", "networks": "none",
        "block_device_mapping_v2": [
            {"uuid": volume, "source_type": "volume", "destination_type": "volume", "boot_index": 0}
        ],
    }  # fmt: skip
    made = cloud.api.post(f"{COMPUTE}/servers", {"server": asked}, microversion="2.74").json()["server"]["id"]
    path = f"{COMPUTE}/servers/{made}"

    def status(wanted: str) -> None:
        wait_for(lambda: cloud.api.get(path)["server"]["status"] != "BUILD", what="a build", seconds=120)
        wait_for(lambda: cloud.api.get(path)["server"]["status"] == wanted, what=wanted, seconds=120)

    def boots() -> None:
        asked = {"os-getConsoleOutput": {"length": None}}
        wait_for(
            lambda: "login:" in cloud.api.post(f"{path}/action", asked).json()["output"], what="a login", seconds=120
        )

    status("ACTIVE")
    assert cloud.api.get(path)["server"]["OS-EXT-SRV-ATTR:host"] == "compute-1"
    boots()
    for action, after in (
        ({"reboot": {"type": "HARD"}}, "ACTIVE"), ({"os-stop": None}, "SHUTOFF"), ({"os-start": None}, "ACTIVE"),
    ):  # fmt: skip
        cloud.api.post(f"{path}/action", action)
        wait_for(lambda: not cloud.api.get(path)["server"]["OS-EXT-STS:task_state"], what="no task", seconds=120)
        status(after)
    boots()
    cloud.api.delete(path)
    cloud.wait_gone(made)
    volumes.wait(volume, "available")
    hosts = cloud.lab.plan.hosts
    wait_for(lambda: not [line for host in hosts for line in daemons(host)], what="no process", seconds=60)
    volumes.clear()
