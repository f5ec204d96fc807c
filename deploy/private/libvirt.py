"""A private libvirt, to kill as one likes: the machine's, and guests under it, are not touched.

Its daemons see their own /run/libvirt, /var/lib/libvirt, /etc/libvirt and /var/log/libvirt: directories of their state,
bound over the machine's in a mount namespace. So a daemon that is started again finds what the last one left, and its
socket is reached from outside. QEMU outlives libvirtd, as on any host.
"""

import os
import shutil
import subprocess
from pathlib import Path

import psutil

from deploy import kvm_device, processes
from deploy.instances.libvirt import accepts
from deploy.private.ovn import wait_for

PLACES = {"run": "/run/libvirt", "lib": "/var/lib/libvirt", "etc": "/etc/libvirt", "log": "/var/log/libvirt"}
ENTER = """
root=$1; shift
while [ "$1" != -- ]; do mkdir -p "$2"; mount --bind "$root/$1" "$2"; shift 2; done
shift; exec "$@"
"""


def is_possible() -> bool:
    """Say whether this machine can run one: root, and the programs are there."""
    programs = ("libvirtd", "virtlogd", "unshare", "qemu-system-x86_64")
    return os.geteuid() == 0 and all(shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") for name in programs)


class PrivateLibvirt:
    """virtlogd and libvirtd below a directory, for a `with` block."""

    def __init__(self, root: Path, **variables: str) -> None:
        """``variables`` are added to the environment of the daemons."""
        self.root, self._environment = root, {**os.environ, **variables}
        self.socket = root / "run" / "libvirt-sock"
        self.uri = f"qemu+unix:///system?socket={self.socket}"
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "PrivateLibvirt":
        kvm_device.fix_mode()
        for name in PLACES:
            (self.root / name).mkdir(parents=True)
        for path in (self.root, *(self.root / name for name in PLACES)):
            path.chmod(0o755)
        self._start("virtlogd")
        wait_for(lambda: accepts(self.root / "run" / "virtlogd-sock"), 60, "virtlogd")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the daemons, and whatever guest they left."""
        for daemon in self._daemons.values():
            daemon.kill()
            daemon.wait()
        processes.end(self.guests(), 5, 9)

    def start(self) -> None:
        """Start libvirtd and wait until it answers."""
        self._start("libvirtd")
        wait_for(self.answers, 60, "libvirtd")

    def kill(self) -> None:
        """SIGKILL libvirtd. Its guests run on."""
        self._daemons["libvirtd"].kill()
        self._daemons["libvirtd"].wait()

    def answers(self) -> bool:
        return accepts(self.socket) and self.virsh("version").returncode == 0

    def virsh(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["virsh", "-q", "-c", self.uri, *arguments],
            capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def domains(self) -> set[str]:
        """The ids of all domains, running or not."""
        return set(self.virsh("list", "--all", "--uuid").stdout.split())

    def guests(self) -> list[psutil.Process]:
        """QEMU's processes under this libvirt: those that have a path of its state on their command line."""
        listed = psutil.process_iter(["name", "cmdline", "status"])
        alive = [
            process for process in listed if process.info["status"] != psutil.STATUS_ZOMBIE and process.info["cmdline"]
        ]
        guests = [process for process in alive if process.info["name"].startswith("qemu-system")]
        return [
            process for process in guests if any(f"{self.root.parent}/" in part for part in process.info["cmdline"])
        ]

    def _start(self, name: str) -> None:
        binds = [part for short, place in PLACES.items() for part in (short, place)]
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", ENTER, "sh", str(self.root)]
        with (self.root / f"{name}.log").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                [*command, *binds, "--", name, "--pid-file", str(self.root / f"{name}.pid")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                env=self._environment,
            )  # fmt: skip
