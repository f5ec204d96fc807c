"""A lab's host as a machine: switched on, used, and switched off as by a power cut."""

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from deploy import processes, shell_environment
from deploy.environment import REPOSITORY
from deploy.errors import DeployError
from deploy.lab import init
from deploy.lab.plan import LabHost

PYTHON = sys.executable
KEPT = ("HOME", "LANG", "LC_ALL", "TZ", "TERM", "XDG_CACHE_HOME", "SHELL")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
QEMU = """\
# Written by deploy/lab. Nothing of a lab's guests is in what all hosts of the machine share.
security_driver = "none"
cgroup_controllers = []
"""


def pid(host: LabHost) -> int | None:
    """Return the id of the host's process 1, None if the host is off."""
    try:
        process = psutil.Process(int(host.pid_file.read_text()))
        mine = str(host.root) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.Error):
        return None
    return process.pid if mine else None


def is_on(host: LabHost) -> bool:
    return pid(host) is not None


def switch_on(host: LabHost) -> bool:
    """Make the host's namespaces; return whether it was off."""
    if is_on(host):
        return False
    host.state.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name in init.BOUND:
        (host.root / name).mkdir(mode=0o755, parents=True, exist_ok=True)
    (host.root / "etc" / "qemu.conf").write_text(QEMU)
    # libvirt asks for its host's name with every migration; nobody answers here, and each question would take 10 s.
    (host.root / "hosts").write_text(f"127.0.0.1 localhost\n{host.management.ip} {host.name}\n")
    identity = uuid.uuid5(uuid.NAMESPACE_URL, str(host.root))  # the machine's is that of all its hosts
    (host.root / "etc" / "libvirtd.conf").write_text(f'# Written by deploy/lab.\nhost_uuid = "{identity}"\n')
    started = subprocess.run(
        [sys.executable, "-IS", str(Path(init.__file__)), host.name, str(host.root)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=20, cwd="/",
        env={"PATH": PATH, "CELERITY_STATE_DIR": str(host.state)},  # by which a test run that was killed is found
    )  # fmt: skip
    if started.returncode != 0:
        raise DeployError(f"{host.name} could not be made.", details=started.stderr)
    run(host, "ip", "link", "set", "dev", "lo", "up")
    return True


def switch_off(host: LabHost) -> None:
    """Kill every process of the host at once. Its disk stays as it is. Off already is success."""
    if (number := pid(host)) is not None:
        processes.end([psutil.Process(number)], 10, 9)
    host.pid_file.unlink(missing_ok=True)


def variables(host: LabHost) -> dict[str, str]:
    """Return the environment of commands on the host: nothing of a cloud of this machine is in it."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {"PATH": f"{Path(sys.executable).parent}:{PATH}", **kept, "CELERITY_STATE_DIR": str(host.state)}


def shell_variables(host: LabHost, first: LabHost) -> dict[str, str]:
    """Return the environment of a shell on the host: what `make env` prints there, and the way to the API."""
    offered = shell_environment.variables(host.environment())
    offered |= {"PATH": variables(host)["PATH"], "OS_CLIENT_CONFIG_FILE": str(first.environment().clouds_yaml)}
    return {**variables(host), **offered, "PS1": f"{host.name}# "}


def command(host: LabHost, argv: Sequence[str], *, directory: Path = REPOSITORY) -> list[str]:
    """Return the command line that runs a command on the host. Raises DeployError if the host is off."""
    number = pid(host)
    if number is None:
        raise DeployError(f"{host.name} is off.", hint="make lab")
    enter = ["nsenter", f"--target={number}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
    return [*enter, "env", f"--chdir={directory}", *argv]


def run(
    host: LabHost, *argv: str, stdin: str = "", check: bool = True, seconds: float = 60,
    more: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run a command on the host to its end; raise DeployError with its output when it fails and ``check`` is set."""
    try:
        done = subprocess.run(
            command(host, argv), input=stdin, capture_output=True, text=True, check=False, timeout=seconds,
            env={**variables(host), **(more or {})},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DeployError(f"{host.name}: {argv[0]} did not end within {seconds:.0f} s.") from None
    if check and done.returncode != 0:
        raise DeployError(
            f"{host.name}: {' '.join(argv[:4])} failed.", details=f"{done.stdout}{done.stderr}".strip()[-4000:]
        )
    return done
