"""OVN's and Open vSwitch's daemons, private to a test: one cloud's central part and its hosts, in network namespaces.

Each host has its own network namespace, directory and daemons, in the userspace datapath. Nothing of the
machine's own Open vSwitch is touched.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.cloud import wait_for

PROGRAMS = ("ovsdb-server", "ovsdb-tool", "ovs-vsctl", "ovs-vswitchd", "ovn-northd", "ovn-controller", "ip", "busybox")
NB_SCHEMA, SB_SCHEMA = "/usr/share/ovn/ovn-nb.ovsschema", "/usr/share/ovn/ovn-sb.ovsschema"
EXTERNAL_ADDRESS = "198.18.9.1"
OVS_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


def are_installed() -> bool:
    """Whether this machine can run them."""
    return os.geteuid() == 0 and all(shutil.which(program) for program in PROGRAMS)


def command(*argv: str) -> str:
    """Run a command to its end, and give its output."""
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30)
    return done.stdout


class Daemons:
    """The processes of one directory, each by a name."""

    def __init__(self, directory: Path, netns: str | None = None) -> None:
        self.directory = directory
        self._prefix = ["ip", "netns", "exec", netns] if netns else []
        self._environment = {**os.environ, "OVS_RUNDIR": str(directory), "OVN_RUNDIR": str(directory)}
        self._running: dict[str, tuple[subprocess.Popen[bytes], list[str]]] = {}
        directory.mkdir(parents=True)

    def start(self, name: str, *argv: str) -> None:
        """Start a daemon. Its files in the directory are named after it."""
        (self.directory / f"{name}.ctl").unlink(missing_ok=True)
        log = self.directory / f"{name}.log"
        files = [f"--pidfile={self.directory / name}.pid", f"--log-file={log}", "-vconsole:off"]
        process = subprocess.Popen(
            [*self._prefix, *argv, *files], env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._running[name] = process, list(argv)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End a daemon by a signal, and wait for its end."""
        process, _ = self._running[name]
        process.send_signal(number)
        process.wait(timeout=20)

    def restart(self, name: str) -> None:
        """Start a killed daemon as before."""
        self.start(name, *self._running[name][1])

    def stop(self) -> None:
        for name in reversed(self._running):
            if self._running[name][0].poll() is None:
                self.kill(name, signal.SIGTERM)

    def control(self, name: str) -> str:
        """The argument by which a daemon has its control socket in the directory."""
        return f"--unixctl={self.directory / name}.ctl"


class Central(Daemons):
    """The northbound and the southbound database, and the daemon between them."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.northbound, self.southbound = f"unix:{directory}/nb.sock", f"unix:{directory}/sb.sock"
        for name, schema in (("nb", NB_SCHEMA), ("sb", SB_SCHEMA)):
            self.make_database(name, schema)
            self.start(
                name,
                "ovsdb-server",
                f"{directory}/{name}.db",
                f"--remote=punix:{directory}/{name}.sock",
                self.control(name),
            )
        for name in ("nb", "sb"):
            wait_for((directory / f"{name}.sock").exists, what=f"the socket of {name}")
        self.start(
            "northd",
            "ovn-northd",
            f"--ovnnb-db={self.northbound}",
            f"--ovnsb-db={self.southbound}",
            self.control("northd"),
        )

    def make_database(self, name: str, schema: str) -> None:
        """Make an empty database, replacing an existing one."""
        (self.directory / f"{name}.db").unlink(missing_ok=True)
        command("ovsdb-tool", "create", f"{self.directory}/{name}.db", schema)

    def pause_northd(self) -> None:
        """Pause the daemon; it still answers its control socket."""
        command("ovn-appctl", "-t", f"{self.directory}/northd.ctl", "pause")

    def resume_northd(self) -> None:
        command("ovn-appctl", "-t", f"{self.directory}/northd.ctl", "resume")

    def nbctl(self, *argv: str) -> str:
        return command("ovn-nbctl", f"--db={self.northbound}", *argv)

    def sbctl(self, *argv: str) -> str:
        return command("ovn-sbctl", f"--db={self.southbound}", *argv)


class Host(Daemons):
    """One host: its switch with an external bridge, and the daemon that programs it. Its namespace has its name."""

    def __init__(self, directory: Path, name: str, southbound: str, *, address: str = "127.0.0.1") -> None:
        command("ip", "netns", "add", name)
        super().__init__(directory, netns=name)
        self.name = name
        self.database = f"unix:{directory}/db.sock"
        self.in_namespace("ip", "link", "set", "lo", "up")
        command("ovsdb-tool", "create", f"{directory}/conf.db", OVS_SCHEMA)
        self.start(
            "ovsdb",
            "ovsdb-server",
            f"{directory}/conf.db",
            f"--remote=punix:{directory}/db.sock",
            self.control("ovsdb"),
        )
        wait_for((directory / "db.sock").exists, what="the switch's database")
        settings = {
            "external_ids:system-id": name,
            "external_ids:hostname": name,
            "external_ids:ovn-remote": southbound,
            "external_ids:ovn-encap-type": "geneve",
            "external_ids:ovn-encap-ip": address,
            "external_ids:ovn-bridge-datapath-type": "netdev",
            "external_ids:ovn-monitor-all": "true",
            "external_ids:ovn-bridge-mappings": "physnet1:br-ex",
            "other_config:userspace-tso-enable": "true",
        }
        columns = [f"{key}={value}" for key, value in settings.items()]
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", *columns)
        self.start("vswitchd", "ovs-vswitchd", self.database, self.control("vswitchd"))
        self.start("controller", "ovn-controller", self.database)
        settings_of_bridge = ("datapath_type=netdev", "fail_mode=standalone")
        self.vsctl("add-br", "br-ex", "--", "set", "bridge", "br-ex", *settings_of_bridge)
        self.in_namespace("ip", "addr", "add", f"{EXTERNAL_ADDRESS}/24", "dev", "br-ex")
        self.in_namespace("ip", "link", "set", "br-ex", "up")
        wait_for(lambda: "br-int" in self.vsctl("list-br").split(), what="the integration bridge")

    def vsctl(self, *argv: str) -> str:
        return command("ovs-vsctl", f"--db={self.database}", "--timeout=10", *argv)

    def in_namespace(self, *argv: str) -> str:
        return command("ip", "netns", "exec", self.name, *argv)

    def stop(self) -> None:
        super().stop()
        command("ip", "netns", "del", self.name)


def errors(lines: Sequence[str]) -> list[str]:
    """Return the lines of a daemon's log that report invalid input from us.

    A metadata process that ends takes its devices (clm…) along, perhaps before the switch has released them.
    """
    reported = [line for line in lines if "error parsing" in line or "|ERR|" in line or "|EMER|" in line]
    return [line for line in reported if "error receiving data from clm" not in line]
