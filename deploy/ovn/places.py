"""Where OVN's files are in the state directory, and how its tools are run on them."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.environment import Environment
from deploy.errors import DeployError

SEARCHED = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
TOOL_SECONDS = 20


@dataclass(frozen=True)
class Places:
    """The directories of OVN: the databases of the cloud, this machine's Open vSwitch, and its certificate."""

    central: Path
    host: Path
    pki: Path

    @property
    def northbound(self) -> str:
        return f"unix:{self.central / 'nb.sock'}"

    @property
    def southbound(self) -> str:
        return f"unix:{self.central / 'sb.sock'}"

    @property
    def switch(self) -> str:
        """The database of this machine's Open vSwitch."""
        return f"unix:{self.host / 'db.sock'}"

    @property
    def tls(self) -> list[str]:
        """What a daemon or tool is given to speak TLS. It reads the files again when they change."""
        pair, authority = self.pki / "host.pem", self.pki / "authority.pem"
        return [f"--private-key={pair}", f"--certificate={pair}", f"--ca-cert={authority}"]

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment that points daemons, tools and libvirt's `ovs-vsctl` to this directory."""
        return {name: str(self.host) for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVN_RUNDIR", "OVN_LOGDIR")}


def of(environment: Environment) -> Places:
    root = environment.state / "ovn"
    return Places(root / "central", root / "host", environment.state / "pki")


def program(name: str) -> str:
    """Return the path of a program of Open vSwitch or OVN. Raises DeployError when it is not installed."""
    path = shutil.which(name, path=SEARCHED)
    if path is None:
        raise DeployError(
            f"{name} is not installed.",
            hint="As root: apt-get install --no-install-recommends ovn-central ovn-host openvswitch-switch",
        )
    return path


def run(
    *command: str, stdin: str = "", check: bool = True, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a tool; raise DeployError with its output when it fails and ``check`` is set."""
    clean = {"PATH": SEARCHED, "LC_ALL": "C.UTF-8", "HOME": os.environ.get("HOME", "/"), **(variables or {})}
    try:
        done = subprocess.run(
            [program(command[0]), *command[1:]],
            input=stdin, capture_output=True, text=True, check=False, timeout=TOOL_SECONDS, cwd="/", env=clean,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DeployError(f"{command[0]} did not end within {TOOL_SECONDS} s.") from None
    if check and done.returncode != 0:
        raise DeployError(f"{command[0]} failed.", details=(done.stderr or done.stdout).strip()[-2000:])
    return done


def answer(places: Places, daemon: str, *question: str) -> str:
    """Ask a daemon over its control socket; return its answer, empty when it gives none."""
    done = run("ovn-appctl", "-T", "5", "-t", daemon, *question, check=False, variables=places.variables)
    return done.stdout.strip() if done.returncode == 0 else ""


def vsctl(places: Places, *arguments: str, check: bool = True) -> str:
    """Run ovs-vsctl on this machine's Open vSwitch; return its output."""
    return run("ovs-vsctl", f"--db={places.switch}", "--timeout=10", *arguments, check=check).stdout.strip()
