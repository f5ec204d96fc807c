"""Which ports a cloud listens on, and who sits on one that is taken."""

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from deploy.environment import Environment
from deploy.errors import DeployError


@dataclass(frozen=True)
class Endpoint:
    """An address that the cloud wants, and the setting that moves it elsewhere."""

    purpose: str
    host: str
    port: int
    setting: str


@dataclass(frozen=True)
class Holder:
    """The process that listens on a port; ``pid`` is None where we may not see it."""

    pid: int | None
    name: str


def endpoints(environment: Environment) -> list[Endpoint]:
    """Return every address that the processes of this cloud listen on."""

    def endpoint(purpose: str, setting: str) -> Endpoint:
        value = environment[setting]
        url = urlsplit(value if "://" in value else f"//{value}")
        return Endpoint(purpose, url.hostname or "127.0.0.1", url.port or 80, setting)

    listening = [] if environment.is_host else [endpoint("API", "CELERITY_LISTEN")]
    if environment.private_database:
        listening.append(endpoint("PostgreSQL", "CELERITY_DATABASE_URL"))
    if environment.private_broker:
        listening.append(endpoint("Redis", "CELERITY_BROKER_URL"))
    if environment.ovn and environment.values.get("CELERITY_SOUTHBOUND_LISTEN"):
        listening.append(endpoint("OVN's southbound database", "CELERITY_SOUTHBOUND_LISTEN"))
    return listening


def is_free(host: str, port: int) -> bool:
    """Say whether a listener could bind the address. A port in TIME_WAIT is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise DeployError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
    return True


def find_free(host: str = "127.0.0.1") -> int:
    """Return a port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def holder(port: int) -> Holder:
    """Name the process that listens on a port."""
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            if connection.pid is None:
                break
            try:
                return Holder(connection.pid, " ".join(psutil.Process(connection.pid).cmdline())[:120])
            except psutil.NoSuchProcess:
                break
    return Holder(None, "another user's process")


def require_free(wanted: list[Endpoint], is_ours: Callable[[int], bool]) -> None:
    """Raise DeployError when somebody else listens on an address that the cloud wants.

    ``is_ours`` says of a process id whether it is this cloud's own.
    """
    for endpoint in wanted:
        if is_free(endpoint.host, endpoint.port):
            continue
        other = holder(endpoint.port)
        if other.pid is not None and is_ours(other.pid):
            continue
        who = other.name if other.pid is None else f"process {other.pid} ({other.name})"
        raise DeployError(
            f"Port {endpoint.port}, needed by {endpoint.purpose}, is taken by {who}.",
            hint=f"Stop it, or move {endpoint.purpose}: set another port in {endpoint.setting}, "
            f"in the environment of `make up` or in the state's celerity.env.",
        )
