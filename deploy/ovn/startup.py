"""Brings OVN up: databases first, then the chassis' settings, then the daemons that read them."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.ovn import chassis, databases, datapath, external, health, places, plugging, settings
from deploy.ovn.daemons import DATABASES, NAMES, SWITCH
from deploy.ovn.databases import Database
from deploy.supervision.client import Supervisor

READY_SECONDS = 20


def prepare(environment: Environment) -> None:
    """Check the settings, and have the directories. Raises DeployError. Nothing is started."""
    wanted = settings.read(environment)
    external.require_free(wanted)
    here = places.of(environment)
    for directory in (here.central, here.host):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    here.central.parent.chmod(0o700)


def bring_up(environment: Environment, supervisor: Supervisor) -> None:
    """Start the daemons, whose programs the supervisor knows already, and wait until the chassis is registered."""
    wanted = settings.read(environment)
    here = places.of(environment)
    used = datapath.choose(wanted, here)
    running = {name for name, record in supervisor.states().items() if record["pid"]}
    for name, database in _databases(here).items():
        if name not in running:
            databases.prepare(database)
    if "ovn-controller" not in running:
        _bury(here)
    supervisor.start(DATABASES)
    for name, database in _databases(here).items():
        _wait(lambda database=database: _accepts(database.socket), supervisor, name)  # type: ignore[misc]
    chassis.identify(here, wanted, used, name=environment.hostname, southbound=here.southbound)
    supervisor.start(SWITCH)
    _wait_chassis(here, environment.hostname, supervisor)
    chassis.make_bridges(here, wanted, used)
    for bridge in wanted.mappings.values():  # of a former run, the database knows it before the switch makes it
        _wait(lambda bridge=bridge: _exists(bridge), supervisor, "ovs-vswitchd")  # type: ignore[misc]
    external.ensure(wanted)
    plugging.ensure(here)
    supervisor.wait_running(NAMES)


def _databases(here: places.Places) -> dict[str, Database]:
    northbound, southbound = databases.central(here)
    return dict(zip(DATABASES, (northbound, southbound, databases.host(here)), strict=True))


def _bury(here: places.Places) -> None:
    """Remove the control sockets of controllers that were killed: each has its process id in its name."""
    for left in here.host.glob("ovn-controller.*.ctl"):
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


def _wait_chassis(here: places.Places, name: str, supervisor: Supervisor) -> None:
    """Wait until ovn-controller has registered this machine in the southbound database, and follows it."""
    until = ("wait-until", "Chassis", name)
    try:
        places.run("ovn-sbctl", f"--db={here.southbound}", f"--timeout={READY_SECONDS - 5}", *until)
    except DeployError:
        raise supervisor.failure("ovn-controller", "has not registered this machine") from None
    _wait(lambda: health.follows(here), supervisor, "ovn-controller")
    _wait(lambda: health.translates(here), supervisor, "ovn-northd")
