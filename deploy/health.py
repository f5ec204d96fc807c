"""Whether each process does its work: the API and Flower answer, workers answer a ping."""

import socket
import time
from collections.abc import Callable

import requests
from celery import Celery

from deploy.environment import Environment
from deploy.front import flower as behind_the_front
from deploy.supervision.client import Supervisor

PATIENCE = 8  # seconds in which a program may die and be started again


def _get(url: str) -> requests.Response | None:
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, timeout=5, allow_redirects=False)
    except requests.RequestException:
        return None


def api(environment: Environment) -> bool:
    """Say whether the API answers, and reaches the database and the broker."""
    answer = _get(f"http://{environment['CELERITY_LISTEN']}/healthz")
    return answer is not None and answer.status_code == 200


def flower(environment: Environment) -> bool:
    """Say whether Flower answers on its socket; the front shows it to operators only."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(behind_the_front.socket(environment))
            connection.sendall(f"GET /{behind_the_front.PREFIX}/healthcheck HTTP/1.0\r\n\r\n".encode())
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def workers(environment: Environment, *, timeout: float = 1.0) -> set[str]:
    """Return the names of the Celery workers that answered a ping within ``timeout`` seconds."""
    app = Celery(broker=environment["CELERITY_BROKER_URL"])
    try:
        return {name for reply in app.control.ping(timeout=timeout) or [] for name in reply}
    except Exception:  # the broker's own errors differ by transport
        return set()
    finally:
        app.close()


def agent(environment: Environment, *, timeout: float = 0.5) -> bool:
    """Say whether this machine's agent takes work from the broker. Its worker has its host's name, or their number."""
    name = environment.hostname
    if environment.simulated:
        served = [host for host in environment.values.get("CELERITY_SERVED_HOSTS", "").split(",") if host]
        name = served[0] if len(served) == 1 else f"simulated-{len(served) or environment['CELERITY_HOSTS']}"
    return any(worker.startswith(f"host.{name}@") for worker in workers(environment, timeout=timeout))


def wait(what: str, supervisor: Supervisor, healthy: Callable[[], bool], timeout: float = 60) -> None:
    """Wait until ``healthy()``; raise DeployError with the end of the program's log when it is not in time.

    A program that dies again and again, this one or another, ends the wait at once with its own log.
    """
    deadline = time.monotonic() + timeout
    failing: dict[str, float] = {}
    while not healthy():
        now = time.monotonic()
        for name, record in supervisor.states().items():
            state = record["statename"]
            if state not in {"FATAL", "BACKOFF", "STARTING"}:
                failing.pop(name, None)
            elif state == "FATAL" or now - failing.setdefault(name, now) > PATIENCE:
                raise supervisor.failure(name, "does not stay up")
        if now > deadline:
            raise supervisor.failure(what, f"runs, but is not healthy after {timeout:.0f} s")
        time.sleep(0.15)
