"""OVN's six daemons: their commands, in the foreground and with every path in the state directory."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.ovn.databases import Database, central, host
from deploy.ovn.datapath import Datapath
from deploy.ovn.places import Places, program, run
from deploy.ovn.settings import OvnSettings

# In the order in which they start; they stop in the reverse order.
DATABASES = ("ovn-nb", "ovn-sb", "ovs-db")
SWITCH = ("ovs-vswitchd", "ovn-northd", "ovn-controller")
CENTRAL = ("ovn-nb", "ovn-sb", "ovn-northd")  # on the cloud's first machine alone
NAMES = DATABASES + SWITCH
STOPS = (("ovn-controller", "ovn-northd"), ("ovs-vswitchd",), DATABASES)
# ovn-northd must not see a northbound database that is not written yet: it would take every network away.
_WAIT = """\
"$1" --db="$2" --no-leader-only wait-until NB_Global . external_ids:celerity-synchronised=true & waiting=$!
trap 'kill $waiting; exit 143' TERM INT
wait $waiting || exit
trap - TERM INT
shift 2
exec "$@"
"""
_LOG = ("-vconsole:info", "-vsyslog:off")  # the supervisor keeps and rotates what they print


@dataclass(frozen=True)
class Daemon:
    """``environment`` also holds what the daemon reads only when it starts, so that a change restarts it."""

    name: str
    command: list[str]
    environment: dict[str, str]


def release() -> str:
    """Return the installed versions: databases are converted and daemons restarted when they change."""
    lines = [run(name, "--version").stdout.splitlines()[0] for name in ("ovs-vswitchd", "ovn-controller")]
    return ", ".join(lines)


def _server(database: Database, *remotes: str, tls: Sequence[str] = ()) -> list[str]:
    directory, stem = database.file.parent, database.socket.stem
    return [
        program("ovsdb-server"), str(database.file), f"--remote=punix:{database.socket}",
        *[f"--remote={remote}" for remote in remotes], *tls,
        f"--unixctl={directory / stem}.ctl", f"--pidfile={directory / stem}.pid", *_LOG,
    ]  # fmt: skip


def _files(places: Places, stem: str) -> list[str]:
    return [f"--unixctl={places.host / stem}.ctl", f"--pidfile={places.host / stem}.pid", *_LOG]


def commands(places: Places, settings: OvnSettings) -> dict[str, list[str]]:
    """Return the command of each daemon of this machine."""
    tls = places.tls if settings.southbound or settings.remote else []
    northbound, southbound = central(places)
    every = {
        "ovn-nb": _server(northbound, "db:OVN_Northbound,NB_Global,connections"),
        "ovn-sb": _server(southbound, "db:OVN_Southbound,SB_Global,connections", tls=tls),
        "ovs-db": _server(host(places)),
        "ovs-vswitchd": [program("ovs-vswitchd"), places.switch, *_files(places, "vswitchd")],
        "ovn-northd": [
            "/bin/sh", "-c", _WAIT, "ovn-northd", program("ovn-nbctl"), places.northbound,
            program("ovn-northd"), f"--ovnnb-db={places.northbound}", f"--ovnsb-db={places.southbound}",
            f"--unixctl={places.central / 'northd.ctl'}", f"--pidfile={places.central / 'northd.pid'}", *_LOG,
        ],
        # OVN before 23.06 has no --unixctl here: its socket is ovn-controller.<pid>.ctl in OVN_RUNDIR.
        "ovn-controller": [
            program("ovn-controller"), places.switch, f"--pidfile={places.host / 'ovn-controller.pid'}",
            *(tls if settings.remote else []), *_LOG,
        ],
    }  # fmt: skip
    return {name: command for name, command in every.items() if not settings.remote or name not in CENTRAL}


def daemons(places: Places, settings: OvnSettings, datapath: Datapath) -> list[Daemon]:
    """Return the daemons, in the order in which they start."""
    installed = release()
    own = {"ovs-vswitchd": {"OVS_SEGMENTATION": str(datapath.segmentation)}}
    return [
        Daemon(name, command, {**places.variables, "OVN_RELEASE": installed, **own.get(name, {})})
        for name, command in commands(places, settings).items()
    ]
