"""The agent's process: a Celery worker with a thread pool on the queues of its hosts, and the agent beside it."""

import os
import signal
from collections.abc import Callable
from types import FrameType

import structlog
from celery import current_app
from django.conf import settings

from apps.workflow.states import host_queue
from workers import config
from workers.host import drivers, long_steps
from workers.host.agent import Agent

log = structlog.get_logger("celerity.agent")


def run(serve: Callable[[list[str]], None]) -> None:
    """Serve this process's hosts until stopped; ``serve`` runs a Celery worker by its command line's arguments.

    Exits with 1 when the hypervisor does not answer.
    """
    hosts = [drivers.make(name) for name in drivers.host_names()]
    for host_drivers in hosts:
        config.serve(host_drivers)
    agent = Agent(hosts)
    agent.start()
    pool = long_steps.serve(current_app._get_current_object())
    log.info("agent started", hosts=len(hosts), hypervisor=settings.HYPERVISOR)
    name = hosts[0].host if len(hosts) == 1 else f"simulated-{len(hosts)}"
    argv = ["-n", f"host.{name}@%h", "-Q", ",".join(host_queue(host_drivers.host) for host_drivers in hosts)]
    argv += [
        "-P",
        "threads",
        "-c",
        str(settings.AGENT_THREADS),
        "--without-gossip",
        "--without-mingle",
        "-l",
        "WARNING",
    ]
    try:
        serve(argv)
    finally:
        pool.on_stop()
        agent.stop()


def stop_on_term() -> None:
    """Let a supervisor's TERM end the process even while it waits for the hypervisor."""

    def leave(signum: int, frame: FrameType | None) -> None:
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
