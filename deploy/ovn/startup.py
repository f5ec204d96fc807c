"""Brings OVN up: databases first, then the chassis' settings, then the daemons that read them."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from deploy import manage
from deploy.checks import certificates
from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.ovn import central, chassis, databases, datapath, external, health, places, plugging, settings, tunnel
from deploy.ovn.daemons import CENTRAL, DATABASES, NAMES, SWITCH
from deploy.ovn.databases import Database
from deploy.supervision.client import Supervisor

READY_SECONDS = 20
NORTHBOUND = DATABASES[0]
READERS = {"ovn-northd", "network-worker"}


def prepare(environment: Environment) -> None:
    """Check the settings, and have the directories and certificates. Raises DeployError. Nothing is started."""
    wanted = settings.read(environment)
    if environment.is_host and not wanted.remote:
        raise DeployError(
            "A further host of a cloud on OVN needs CELERITY_SOUTHBOUND, and a certificate.",
            hint="CELERITY_SOUTHBOUND=ssl:192.0.2.1:6642, where the first machine has CELERITY_SOUTHBOUND_LISTEN "
            "(docs/operators.md, Certificates).",
        )
    external.require_free(wanted)
    here = places.of(environment)
    for directory in (here.host,) if wanted.remote else (here.host, here.central):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    here.host.parent.chmod(0o700)
    left = certificates.days_left(environment).get("this host", -1)
    if wanted.southbound and left < certificates.RENEWED_DAYS:
        manage.run(environment, "certificates", "ensure")
    if wanted.remote and left < 0:
        raise DeployError(
            "This machine has no valid certificate of the cloud's authority.",
            hint="celerity certificates request | ssh FIRST celerity certificates sign --host "
            f"{environment.hostname} | celerity certificates install (docs/operators.md, Certificates)",
        )


def bring_up(environment: Environment, supervisor: Supervisor) -> None:
    """Start the daemons, whose programs the supervisor knows already, and wait until the chassis is registered."""
    wanted = settings.read(environment)
    here = places.of(environment)
    used = datapath.choose(wanted, here)
    tunnel.check(wanted, used)
    names = [name for name in NAMES if not wanted.remote or name not in CENTRAL]
    _start_databases(_databases(here, names), supervisor)
    if not wanted.remote:
        central.listen(here, wanted)
    southbound = wanted.remote or here.southbound
    chassis.identify(here, wanted, used, name=environment.hostname, southbound=southbound)
    supervisor.start(name for name in SWITCH if name in names)
    _wait(lambda: health.follows(here), supervisor, "ovn-controller")
    _wait_chassis(here, wanted, environment.hostname, supervisor)
    chassis.make_bridges(here, wanted, used)
    tunnels = tunnel.make_bridge(here, wanted, used)
    for bridge in (
        *wanted.mappings.values(),
        settings.LOCAL_BRIDGE,
        *tunnels,
    ):  # of a former run, the database knows it before the switch makes it
        _wait(lambda bridge=bridge: _exists(bridge), supervisor, "ovs-vswitchd")  # type: ignore[misc]
    external.ensure(wanted)
    tunnel.move_address(wanted, used)
    plugging.ensure(here)
    supervisor.wait_running(names)


def _start_databases(served: dict[str, Database], supervisor: Supervisor) -> None:
    """Have the files of databases whose servers do not run, start the servers, and wait until they listen.

    While a northbound database that was lost is empty, ovn-northd does not run: it waits for the network worker, which
    builds the database when it starts.
    """
    running = {name for name, record in supervisor.states().items() if record["pid"]}
    for name, database in served.items():
        if name not in running:
            was_there = databases.prepare(database)
            if name == NORTHBOUND and not was_there:
                supervisor.stop(READERS & running)
            _bury(database.file.parent)
    supervisor.start(served)
    for name, database in served.items():
        _wait(lambda database=database: _accepts(database.socket), supervisor, name)  # type: ignore[misc]


def _databases(here: places.Places, names: list[str]) -> dict[str, Database]:
    """Return the databases of this machine by the daemons that serve them."""
    every = dict(zip(DATABASES, (*databases.central(here), databases.host(here)), strict=True))
    return {name: database for name, database in every.items() if name in names}


def _bury(directory: Path) -> None:
    """Remove the control sockets of killed controllers that no process has: each has a process id in its name."""
    for left in directory.glob("ovn-controller.*.ctl"):
        if not _accepts(left):
            left.unlink(missing_ok=True)


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _exists(device: str) -> bool:
    try:
        socket.if_nametoindex(device)
    except OSError:
        return False
    return True


def _wait(ready: Callable[[], bool], supervisor: Supervisor, name: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        if time.monotonic() > deadline or supervisor.states().get(name, {}).get("statename") == "FATAL":
            raise supervisor.failure(name, f"is not ready after {READY_SECONDS} s")
        time.sleep(0.01)


def _wait_chassis(here: places.Places, wanted: settings.OvnSettings, name: str, supervisor: Supervisor) -> None:
    """Wait until this machine is registered in the southbound database, and, unless it waits for the network worker,
    the daemon that translates is active.
    """
    database = (f"--db={wanted.remote}", *here.tls) if wanted.remote else (f"--db={here.southbound}",)
    try:
        places.run("ovn-sbctl", *database, f"--timeout={READY_SECONDS - 5}", "wait-until", "Chassis", name)
    except DeployError:
        raise supervisor.failure("ovn-controller", "has not registered this machine") from None
    if not wanted.remote and health.is_synchronised(here):
        _wait(lambda: health.translates(here), supervisor, "ovn-northd")


def wait_translated(environment: Environment, supervisor: Supervisor) -> None:
    """Wait until networks become flows: the network worker has written the northbound database, if it was new."""
    here = places.of(environment)
    if here.central.exists():
        _wait(lambda: health.is_synchronised(here), supervisor, "network-worker")
        _wait(lambda: health.translates(here), supervisor, "ovn-northd")
