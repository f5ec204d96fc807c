"""Process 1 of a lab's host: makes the host's namespaces, then buries whatever ends there. Standard library only.

    python -IS init.py NAME ROOT

The file ROOT/init.pid has its process id as the machine sees it. When it is killed, the kernel kills every process of
the host, and the host's mounts, devices and rules are gone with them: the host has lost its power.
"""

import ctypes
import os
import signal
import socket
import sys
from pathlib import Path

NEWNS, NEWUTS, NEWIPC, NEWPID, NEWNET = 0x00020000, 0x04000000, 0x08000000, 0x20000000, 0x40000000
BIND, RECURSIVE, PRIVATE, NOSUID, NODEV = 0x1000, 0x4000, 0x40000, 0x2, 0x4
# What a second machine would have on its own disk. The places exist where the packages are installed.
BOUND = {
    "lib": "/var/lib/libvirt",
    "etc": "/etc/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
    "openvswitch": "/var/log/openvswitch",
}
EMPTY = {"/run": "mode=755", "/dev/shm": "mode=1777"}  # noqa: S108 - mounted over, so that it is the host's own
RANDOM = "/proc/sys/kernel/random"
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    texts = (source.encode(), target.encode(), kind.encode() or None)
    _check(_libc.mount(*texts, ctypes.c_ulong(flags), data.encode() or None), target)


def become(name: str, root: Path) -> None:
    """Take the host's name and mounts, in the new namespaces."""
    mount("none", "/", flags=RECURSIVE | PRIVATE)
    for target, options in EMPTY.items():
        mount("tmpfs", target, "tmpfs", NOSUID | NODEV, options)
    for directory, target in BOUND.items():
        if os.path.isdir(target):
            mount(str(root / directory), target, flags=BIND)
    mount("proc", "/proc", "proc", NOSUID | NODEV)
    (root / "boot_id").write_text(Path(RANDOM, "uuid").read_text())  # another one each time: agents notice a restart
    mount(str(root / "boot_id"), f"{RANDOM}/boot_id", flags=BIND)
    if (root / "hosts").is_file():
        mount(str(root / "hosts"), "/etc/hosts", flags=BIND)
    socket.sethostname(name)
    os.makedirs("/run/lock", mode=0o755, exist_ok=True)


def bury() -> None:
    """Wait for the end of children for ever; those of processes that ended become ours."""
    while True:
        signal.sigwait({signal.SIGCHLD})
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            continue


def run(name: str, root: Path, said: int) -> None:
    """Be process 1. ``said`` is closed without a word once the host can be used."""
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        os.setsid()
        become(name, root)
        nothing = os.open("/dev/null", os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
    except OSError as error:
        os.write(said, f"{error.strerror}: {error.filename}".encode())
        os._exit(1)
    os.close(said)
    bury()


def main() -> int:
    name, root = sys.argv[1], Path(sys.argv[2])
    _check(_libc.unshare(NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET), "namespaces")
    hears, said = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hears)
        run(name, root, said)
    os.close(said)
    if trouble := os.read(hears, 4096).decode():
        print(trouble, file=sys.stderr)
        return 1
    partial = root / ".init.pid"
    partial.write_text(f"{child}\n")
    partial.rename(root / "init.pid")
    return 0


if __name__ == "__main__":
    sys.exit(main())
