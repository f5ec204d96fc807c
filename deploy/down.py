"""`make down`: power off guests, end every process, and look for leftovers."""

import os
import sys
import time

import psutil

from deploy import manage, processes
from deploy.console import explain, line, stage
from deploy.environment import Environment, load
from deploy.errors import DeployError
from deploy.ovn import daemons, former, places, removal
from deploy.supervision import orphans, programs
from deploy.supervision.client import Supervisor
from deploy.up import alone

GUEST_PROGRAMS = ("qemu-system", "qemu-storage", "dnsmasq")  # dnsmasq: of a cloud from before OVN


def stop_guests(environment: Environment) -> None:
    """Power off this cloud's guests and unplug their ports.

    After the host agent has ended, so that these do not count as guests that stopped by themselves: the next `make up`
    brings them back as they were.
    """
    for text in manage.run(environment, "host_shutdown", timeout=180).splitlines():
        line(f"    {text}")


def leftovers(environment: Environment) -> list[psutil.Process]:
    """Return processes that serve this cloud's guests still: they have the state directory on their command line."""
    processes = []
    for process in psutil.process_iter(["name", "cmdline", "status"]):
        if process.info["status"] == psutil.STATUS_ZOMBIE or not process.info["cmdline"]:
            continue
        of_state = any(f"{environment.state}/" in argument for argument in process.info["cmdline"])
        if of_state and process.info["name"].startswith(GUEST_PROGRAMS) and process.pid != os.getpid():
            processes.append(process)
    return processes


def take_down(environment: Environment) -> None:
    """Stop everything of one cloud."""
    supervisor = Supervisor(environment)
    if supervisor.is_running():
        with stage("API, scheduler, beat, hosts, Flower"):
            supervisor.stop(program.name for program in programs.cloud(environment))
        with stage("Guests and networks"):
            try:
                stop_guests(environment)
            except DeployError as error:
                explain(error)  # the processes are stopped all the same, and leftovers are looked for below
        with stage("PostgreSQL, Redis, " + ("Open vSwitch, OVN, " if environment.ovn else "") + "supervisor"):
            for names in daemons.STOPS:
                supervisor.stop(names)
            supervisor.stop(supervisor.states())
            supervisor.shut_down()
    with stage("Nothing left running"):
        rest = orphans.find(environment, None) + leftovers(environment)
        processes.end(rest, 20)
        for process in rest:
            line(f"    ended a leftover process: {process.pid}")
        if former.has_bridges(environment) and os.geteuid() == 0:
            former.remove_bridges(environment, moved=False)
        if places.of(environment).host.exists() and os.geteuid() == 0:
            for device in removal.remove(places.of(environment)):
                line(f"    removed {device}")


def main() -> int:
    started = time.monotonic()
    environment = load()
    if not environment.file.exists():
        line(f"There is no cloud in {environment.state}.")
        return 0
    try:
        with alone(environment.state):
            take_down(environment)
    except DeployError as error:
        explain(error)
        return 1
    line(f"Celerity is down after {time.monotonic() - started:.1f} s. Its state stays in {environment.state}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
