"""libvirt's daemons: used where they run already, asked of systemd where it rules, started otherwise."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from deploy import kvm_device
from deploy.errors import DeployError

SOCKETS = (Path("/run/libvirt/libvirt-sock"), Path("/run/libvirt/virtqemud-sock"))
LOG_SOCKET = Path("/run/libvirt/virtlogd-sock")


def accepts(path: Path) -> bool:
    """Say whether somebody listens on a Unix socket. A file that a dead daemon left does not count."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def answers() -> bool:
    """Say whether a libvirt daemon listens on the system socket."""
    return any(accepts(path) for path in SOCKETS)


def programs() -> list[list[str]]:
    """Return the foreground commands of virtlogd and libvirtd, in the order in which they start."""
    commands = []
    for name in ("virtlogd", "libvirtd"):
        program = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if program is None:
            raise DeployError(
                f"{name} is not installed.",
                hint="As root: make up installs it; without: make up HYPERVISOR=simulated HOSTS=5",
            )
        commands.append([program])
    return commands


def ask_systemd() -> bool:
    """Start libvirtd through systemd where systemd runs; say whether libvirt answers then."""
    if not Path("/run/systemd/system").is_dir() or shutil.which("systemctl") is None:
        return False
    subprocess.run(["systemctl", "start", "libvirtd"], check=False, stdin=subprocess.DEVNULL, timeout=60)
    return wait(10)


def wait(timeout: float) -> bool:
    """Wait up to ``timeout`` seconds for libvirt; say whether it answers."""
    deadline = time.monotonic() + timeout
    while not answers():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


class TemporaryDaemons:
    """libvirt for a while, a test run say: what was not running before is stopped afterwards."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self) -> bool:
        """Make libvirt answer, if this machine can; say whether it does."""
        kvm_device.fix_mode()
        if answers():
            return True
        if os.geteuid() != 0:
            return False
        try:
            commands = programs()
        except DeployError:
            return False
        if ask_systemd():
            return True
        if accepts(LOG_SOCKET):
            commands = commands[1:]
        for command in commands:
            with (self.directory / f"{Path(command[0]).name}.log").open("ab") as log:
                self._children.append(
                    subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
                    )
                )
        return wait(20)

    def stop(self) -> None:
        """Stop what ``start`` started, unless guests that somebody else started meanwhile depend on it."""
        if not self._children:
            return
        listed = subprocess.run(
            ["virsh", "-c", "qemu:///system", "list", "--name"],
            capture_output=True, text=True, check=False, timeout=20, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if listed.stdout.split():
            return
        for child in reversed(self._children):
            child.terminate()
            try:
                child.wait(timeout=20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()
