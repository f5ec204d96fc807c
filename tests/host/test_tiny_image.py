"""The guest image `tiny`, booted in plain QEMU: what it does with metadata, disks, networks and the power button."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.libvirt, pytest.mark.slow]

PATIENCE = 150
"""Seconds for a boot; 5 on an idle machine without hardware virtualisation."""

USER_DATA = "#!/bin/sh\necho hello from $(hostname)\necho trouble >&2\nexit 3\n"

SERVICE = """
import pathlib, sys
path = sys.stdin.readline().split()[1]
while sys.stdin.readline().strip():
    pass
file = pathlib.Path(sys.argv[1]) / path.lstrip("/")
found = file.is_file()
body = file.read_bytes() if found else b""
head = f"HTTP/1.0 {200 if found else 404} x\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n"
sys.stdout.buffer.write(head.encode() + body)
"""


class Machine:
    """One QEMU process. `folder` holds its console log and its monitor."""

    def __init__(self, folder: Path, key: Path, number: uuid.UUID, arguments: list[str]) -> None:
        self.folder, self.key, self.port = folder, key, free_port()
        self.console_path = folder / "console"
        self.console_path.unlink(missing_ok=True)
        network = "user,id=net0,net=169.254.0.0/16,host=169.254.0.2,dns=169.254.0.3,dhcpstart=169.254.0.15"
        command = [
            *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-m", "96", "-display", "none"),
            *("-uuid", str(number), "-monitor", f"unix:{folder}/monitor,server,nowait"),
            *("-chardev", f"socket,id=con,path={folder}/serial,server=on,wait=off,logfile={self.console_path}"),
            *("-serial", "chardev:con", "-device", "pcie-root-port,id=port1,slot=1"),
            *("-device", "pcie-root-port,id=port2,slot=2", "-device", "virtio-net-pci,netdev=net0"),
            *arguments,
        ]
        command[command.index("NETWORK")] = f"{network},hostfwd=tcp:127.0.0.1:{self.port}-:22" + self._service(folder)
        self.process = subprocess.Popen(command)

    @staticmethod
    def _service(folder: Path) -> str:
        """Answer the metadata service's address with the files of folder/service, if there are any."""
        if not (folder / "service").exists():
            return ""
        program = folder / "service.py"
        program.write_text(SERVICE)
        return f",guestfwd=tcp:169.254.169.254:80-cmd:{sys.executable} {program} {folder}/service"

    def console(self) -> str:
        """What the serial console has shown so far."""
        with contextlib.suppress(FileNotFoundError):
            return self.console_path.read_text(errors="replace").replace("\r", "")
        return ""

    def wait_for(self, pattern: str) -> str:
        """Return the console's text once `pattern` is in it."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, text := self.console(), re.MULTILINE):
            assert time.monotonic() < deadline, f"no {pattern!r} on the console:\n{text}"
            assert self.process.poll() is None, f"the machine is off:\n{text}"
            time.sleep(0.1)
        return text

    def wait_until(self, check: Callable[[], bool]) -> None:
        """Wait until `check` holds."""
        deadline = time.monotonic() + PATIENCE
        while not check():
            assert time.monotonic() < deadline, self.console()
            time.sleep(0.3)

    def ssh(self, command: str, user: str = "root") -> str:
        """Run `command` in the guest and return its output."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=20", "BatchMode=yes")
        done = subprocess.run(
            ["ssh", "-q", "-i", self.key, "-p", str(self.port)]
            + [word for option in options for word in ("-o", option)]
            + [f"{user}@127.0.0.1", command],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done}\n{self.console()}"
        return done.stdout

    def say(self, place: str, *lines: str) -> None:
        """Type `lines` into the machine's "monitor" or "serial" line."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.folder / place))
            for text in lines:
                line.sendall(text.encode() + b"\n")
                time.sleep(1)

    def press_power_button(self) -> float:
        """Ask for a shutdown as libvirt does; return the seconds until the machine was off."""
        started = time.monotonic()
        self.say("monitor", "system_powerdown")
        assert self.process.wait(PATIENCE) == 0
        return time.monotonic() - started

    def close(self) -> None:
        """Turn the machine off if it is on."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Lab:
    """A folder with a disk made from the image, a key pair, and the machines started in it."""

    def __init__(self, folder: Path, image: Path) -> None:
        self.folder, self.key = folder, folder / "key"
        self.number = uuid.uuid4()
        self.machines: list[Machine] = []
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
        run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image, folder / "disk", "1G")

    def documents(self, user_data: str = USER_DATA, **more: object) -> dict[str, str]:
        """The metadata of this lab's instance, file name to content."""
        public = (self.folder / "key.pub").read_text()
        meta = {"uuid": str(self.number), "hostname": "vm1.example.org", "public_keys": {'my "key"': public}, **more}
        return {"meta_data.json": json.dumps(meta), "user_data": user_data, "network_data.json": '{"links": []}'}

    def disc(self, documents: dict[str, str]) -> list[str]:
        """QEMU's arguments for an ISO 9660 config drive behind virtio-scsi."""
        pycdlib = pytest.importorskip("pycdlib")
        disc = pycdlib.PyCdlib()
        disc.new(interchange_level=4, rock_ridge="1.09", joliet=3, vol_ident="config-2")
        for folder in ("/openstack", "/openstack/latest"):
            disc.add_directory(folder, rr_name=folder.split("/")[-1], joliet_path=folder)
        for name, text in documents.items():
            path = self.folder / name
            path.write_text(text)
            inside = f"/openstack/latest/{name}"
            disc.add_file(str(path), inside, rr_name=name, joliet_path=inside)
        disc.write(str(self.folder / "disc"))
        disc.close()
        drive = f"if=none,id=disc,readonly=on,format=raw,file={self.folder}/disc"
        return ["-device", "virtio-scsi-pci,id=scsi", "-drive", drive, "-device", "scsi-cd,drive=disc,bus=scsi.0"]

    def fat(self, documents: dict[str, str]) -> list[str]:
        """QEMU's arguments for a FAT config drive that is a virtio disk."""
        tree = self.folder / "openstack/latest"
        tree.mkdir(parents=True, exist_ok=True)
        for name, text in documents.items():
            (tree / name).write_text(text)
        run("mkfs.vfat", "-C", "-n", "CONFIG-2", self.folder / "fat", "2048")
        run("mcopy", "-s", "-i", self.folder / "fat", self.folder / "openstack", "::")
        return ["-drive", f"if=virtio,readonly=on,format=raw,file={self.folder}/fat"]

    def start(self, *arguments: str) -> Machine:
        """Turn a machine with the lab's disk on."""
        disk = f"if=virtio,format=qcow2,file={self.folder}/disk"
        machine = Machine(self.folder, self.key, self.number, ["-netdev", "NETWORK", "-drive", disk, *arguments])
        self.machines.append(machine)
        return machine


def run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def lab(tmp_path: Path, guest_image: Path) -> Iterator[Lab]:
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("needs qemu-system-x86_64")
    lab = Lab(tmp_path, guest_image)
    yield lab
    for machine in lab.machines:
        machine.close()


@pytest.mark.heavy  # a minute; guests of other tests read their config drives too
def test_a_config_drive_makes_the_instance_once(lab: Lab) -> None:
    """User data runs once, also when the guest reboots; host keys stay with the instance, another server gets its own.

    The guest reboots and powers off from inside, and obeys the power button.
    """
    drive = lab.disc(lab.documents(admin_pass="s3cret"))
    machine = lab.start(*drive)
    text = machine.wait_for("^vm1 login: ")
    for line in (
        "metadata from config drive sr0", "host name vm1", "ssh keys 1", r"eth0 169\.254\.0\.15/16 via 169\.254\.0\.2",
        r"ssh host key ed25519 SHA256:\S+", "user-data: hello from vm1", "user-data: trouble",
        "user-data: exit status 3", r"root file system grown from \d+ to 9\d\d MiB", r"boot finished after \d+ s",
    ):  # fmt: skip
        assert re.search(f"^tiny: {line}$", text, re.MULTILINE), f"{line} is missing:\n{text}"
    assert machine.ssh("hostname", user="tiny") == "vm1\n"
    assert int(machine.ssh("df -m / | awk 'END { print $2 }'")) > 900
    machine.say("serial", "", "root", "s3cret", "echo logged in as $(id -un)")
    machine.wait_for("^logged in as root$")
    host_key = re.search(r"host key ed25519 (\S+)", machine.console())
    assert host_key
    shown = len(machine.console())
    machine.ssh("reboot")
    machine.wait_until(lambda: "vm1 login: " in machine.console()[shown:])
    text = machine.console()[shown:]
    assert "user-data:" not in text
    assert host_key[1] in text
    machine.ssh("poweroff")
    assert machine.process.wait(PATIENCE) == 0
    lab.number = uuid.uuid4()  # another server made from a copy of this disk
    second = lab.start(*lab.disc(lab.documents()))
    text = second.wait_for("^vm1 login: ")
    assert "user-data: hello from vm1" in text
    assert host_key[1] not in text
    assert second.press_power_button() < 15


def test_cloud_config_swap_and_ephemeral_disk(lab: Lab) -> None:
    config = "#cloud-config\nhostname: other\nruncmd:\n  - echo one $((1 + 1))\npackages: [x]\n"
    for name in ("swap", "ephemeral"):
        (lab.folder / name).write_bytes(bytes(16 << 20))
    run("/sbin/mkswap", lab.folder / "swap")
    run("/sbin/mkfs.ext4", "-q", "-L", "ephemeral0", lab.folder / "ephemeral")
    disks = [f"if=virtio,format=raw,file={lab.folder}/{name}" for name in ("ephemeral", "swap")]
    machine = lab.start(*lab.fat(lab.documents(config)), "-drive", disks[0], "-drive", disks[1])
    text = machine.wait_for("^other login: ")
    for line in ("swap on vdd", "ephemeral disk vdc on /mnt", "user-data: one 2", "host name other"):
        assert f"tiny: {line}\n" in text
    assert "packages is not supported" in text


def test_the_metadata_service_and_hot_plugging(lab: Lab) -> None:
    """One boot for both: documents by HTTP, then a disk and a network card that come and go."""
    folder = lab.folder / "service/openstack/latest"
    folder.mkdir(parents=True)
    for name, content in lab.documents().items():
        (folder / name).write_text(content)
    machine = lab.start()
    text = machine.wait_for("^vm1 login: ")
    assert "tiny: metadata from service\n" in text
    assert "tiny: user-data: hello from vm1\n" in text
    assert machine.ssh("id -un") == "root\n"
    (lab.folder / "volume").write_bytes(bytes(8 << 20))
    machine.say(
        "monitor",
        f"drive_add 0 if=none,id=volume,format=raw,file={lab.folder}/volume",
        "device_add virtio-blk-pci,drive=volume,serial=8d0c-1,bus=port1",
        "netdev_add user,id=net1,net=10.7.0.0/24,dhcpstart=10.7.0.20",
        "device_add virtio-net-pci,netdev=net1,bus=port2,id=card1",
    )
    machine.wait_for(r"^tiny: eth1 10\.7\.0\.20/24")
    assert machine.ssh("blockdev --getsize64 /dev/disk/by-id/virtio-8d0c-1") == f"{8 << 20}\n"
    machine.say("monitor", "device_del card1")
    machine.wait_until(lambda: "eth1" not in machine.ssh("ls /sys/class/net"))


@pytest.mark.heavy  # a guest just for a form that Celerity's guests use last
def test_the_ec2_form_of_the_service(lab: Lab) -> None:
    folder = lab.folder / "service/latest/meta-data"
    (folder / "public-keys/0").mkdir(parents=True)
    public = (lab.folder / "key.pub").read_text()
    files = {"instance-id": "i-1", "hostname": "vm1.example.org", "public-keys/0/openssh-key": public}
    for name, content in files.items():
        (folder / name).write_text(content)
    machine = lab.start()
    assert "tiny: metadata from service (EC2 form)\n" in machine.wait_for("^vm1 login: ")
    machine.press_power_button()


@pytest.mark.heavy  # half a minute of a guest that waits for what does not come
def test_without_metadata_there_is_a_login_prompt(lab: Lab) -> None:
    machine = lab.start()
    machine.wait_for("^tiny login: ")
    text = machine.wait_for("^tiny: ssh keys 0$")  # a slow machine shows the prompt before
    assert "tiny: no metadata" in text
