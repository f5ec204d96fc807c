"""A machine under OVN in a network namespace: its settings and its supervised daemons, apart from the machine's own."""

import ctypes
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy import processes, secrets
from deploy.environment import DEFAULTS, Environment
from deploy.errors import DeployError
from deploy.ovn import daemons, places, removal, startup
from deploy.supervision import config, orphans, programs
from deploy.supervision.client import Supervisor

CLONE_NEWNET = 0x40000000


@contextmanager
def namespace(existing: int | None = None) -> Iterator[int]:
    """Put this thread, and what it starts meanwhile, into a network namespace: a new one, or that of a descriptor.

    Names of bridges are taken once per namespace, so every host of tests and benchmarks has its own.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    done = libc.unshare(CLONE_NEWNET) if existing is None else libc.setns(existing, CLONE_NEWNET)
    if done != 0:
        raise OSError(ctypes.get_errno(), "no network namespace")
    inside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield inside
    finally:
        libc.setns(before, CLONE_NEWNET)
        os.close(before)
        os.close(inside)


def make_environment(state: Path, host: str, **changed: str) -> Environment:
    """Make the settings and directories of a machine."""
    values = {**DEFAULTS, **secrets.generate(), "CELERITY_HOST": host, **changed}
    state.chmod(0o755)
    environment = Environment(state, values)
    environment.run.mkdir()
    environment.log.mkdir()
    secrets.write_private(environment.file, "".join(f"{name}={value}\n" for name, value in values.items()))
    return environment


@contextmanager
def supervised(environment: Environment) -> Iterator[Supervisor]:
    """A supervisor whose programs are gone afterwards, with what they left."""
    supervisor = Supervisor(environment)
    try:
        yield supervisor
    finally:
        supervisor.shut_down()
        processes.end(orphans.find(environment, None), 5)
        removal.remove(places.of(environment))


def up(environment: Environment, supervisor: Supervisor) -> None:
    """Start the daemons, as `make up` does."""
    startup.prepare(environment)
    supervisor.launch(config.render(environment, programs.network(environment)))
    startup.bring_up(environment, supervisor)
    here = places.of(environment)
    if here.central.exists():  # as the network worker does when it has written all rows
        marked = "external_ids:celerity-synchronised=true"
        places.run("ovn-nbctl", f"--db={here.northbound}", "--timeout=10", "set", "NB_Global", ".", marked)
        startup.wait_translated(environment, supervisor)


def down(supervisor: Supervisor) -> None:
    """Stop the daemons, as `make down` does."""
    for names in daemons.STOPS:
        supervisor.stop(names)
    supervisor.shut_down()


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until a condition holds. Raises DeployError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise DeployError(f"Not within {seconds} s: {what}.")
        time.sleep(0.02)
