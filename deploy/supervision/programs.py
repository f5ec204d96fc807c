"""Every process of a cloud: what runs it, in which stage it starts, and how it is stopped."""

import hashlib
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from deploy.environment import REPOSITORY, Environment
from deploy.front import configuration, flower, nginx
from deploy.instances import libvirt
from deploy.instances.postgresql import PostgreSQL
from deploy.instances.redis import Redis
from deploy.ovn import daemons, datapath, places
from deploy.ovn import settings as ovn_settings

ON_A_HOST = ("host-agent", "metadata")  # of the cloud's own processes, what a further host runs
SERVICES, NETWORK, CLOUD = 100, 150, 200  # stages: priorities of the supervisor, low ones start first and stop last


@dataclass(frozen=True)
class Program:
    """One process under the supervisor.

    ``stop_seconds`` is how long it may take to end after ``stop_signal`` before it is killed; ``start_seconds`` how
    long it has to run to count as started. ``user`` None is the supervisor's own account.
    """

    name: str
    command: list[str]
    stage: int
    directory: Path = REPOSITORY
    user: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    start_seconds: int = 1


def postgresql(environment: Environment) -> PostgreSQL:
    return PostgreSQL(environment.state / "postgresql", environment["CELERITY_DATABASE_URL"])


def redis(environment: Environment) -> Redis:
    return Redis(environment.state / "redis", environment["CELERITY_BROKER_URL"])


def release() -> str:
    """Return a digest of the code that processes load, so that `make up` restarts what runs older code."""
    content = hashlib.sha256()
    for room in ("apps", "cloud", "workers", "fixtures"):
        for path in sorted((REPOSITORY / room).rglob("*")):
            # Styles too: WhiteNoise keeps announcing the length that a file had when the process started.
            if path.suffix in {".py", ".html", ".css", ".js", ".svg", ".json", ".yaml"} and path.is_file():
                content.update(f"{path.relative_to(REPOSITORY)} {path.stat().st_size}".encode())
                content.update(path.read_bytes())
    content.update((REPOSITORY / "requirements.txt").read_bytes())
    return content.hexdigest()[:12]


def settings_digest(environment: Environment) -> str:
    """Return a digest of the settings: processes read them when they start, so `make up` restarts what read others."""
    return hashlib.sha256(repr(sorted(environment.values.items())).encode()).hexdigest()[:12]


def services(environment: Environment, *, with_libvirt: bool) -> list[Program]:
    """Return the servers that the cloud's own processes need; their files must have been prepared."""
    needed = []
    if environment.private_database:
        server = postgresql(environment)
        needed.append(
            Program(
                "postgresql", server.command(), SERVICES, server.data, server.user,
                stop_signal=signal.Signals(server.stop_signal).name.removeprefix("SIG"), stop_seconds=60,
            )
        )  # fmt: skip
    if environment.private_broker:
        broker = redis(environment)
        needed.append(Program("redis", broker.command(), SERVICES, broker.directory, broker.user))
    if with_libvirt:
        plugging = places.of(environment).variables if environment.ovn else {}
        for command in libvirt.programs():
            needed.append(
                Program(
                    Path(command[0]).name, command, SERVICES, Path("/"), stop_seconds=30,
                    # Not virtlogd's: its restart would end the logs of running guests.
                    environment=plugging if Path(command[0]).name == "libvirtd" else {},
                )
            )  # fmt: skip
    return needed


def network(environment: Environment) -> list[Program]:
    """Return the daemons that carry the networks. A restart of ours does not touch them, nor one of them ours."""
    if not environment.ovn:
        return []
    here = places.of(environment)
    wanted = ovn_settings.read(environment)
    used = datapath.choose(wanted, here)
    return [
        Program(daemon.name, daemon.command, NETWORK, Path("/"), environment=daemon.environment, stop_seconds=10)
        for daemon in daemons.daemons(here, wanted, used)
    ]


def gunicorn_limits() -> list[str]:
    """Return gunicorn's options that accept every URL and header that the front lets through.

    The front refuses the rest in the shape of the service; gunicorn's own refusals are HTML without a request id.
    """
    line = configuration.HEADER_BUFFER_BYTES
    shortest_header = len("a:\r\n")
    return [
        "--limit-request-line", "0",  # unlimited: no other value goes beyond 8190
        "--limit-request-fields", str(configuration.HEADER_BUFFERS * line // shortest_header),
        "--limit-request-field_size", str(line + 1024),  # nginx rewrites headers, with a space before the value
    ]  # fmt: skip


def commands(environment: Environment) -> dict[str, list[str]]:
    """Return the command of each of the cloud's own processes."""
    python = sys.executable
    settings = environment.values  # cloud/settings.py refuses what is no number
    memory = "/dev/shm"  # noqa: S108 - gunicorn's heartbeats: a disk that stalls must not look like a hung worker
    return {
        "front": [python, "-m", "deploy.front"],
        "api": [
            python, "-m", "gunicorn", "cloud.wsgi:application", *nginx.api_options(environment),
            "--worker-class", "gthread", "--threads", settings.get("CELERITY_API_THREADS", "4"),
            "--worker-tmp-dir", memory, "--timeout", "300", "--graceful-timeout", "10", "--keep-alive", "75",
            "--no-control-socket", "--log-level", "warning", "--preload", "--forwarder-headers", "", *gunicorn_limits(),
        ],
        "scheduler": [
            python, "-m", "cloud.celery_command", "worker", "-n", "scheduler@%h", "-Q", "scheduler,periodic",
            "-P", "threads", "-c", settings.get("CELERITY_SCHEDULER_THREADS", "3"),
            "--without-gossip", "--without-mingle",
        ],
        "beat": [python, "-m", "cloud.beat", str(environment.run / "beat-schedule")],
        "host-agent": [python, "manage.py", "host_agent"],
        **({"network-worker": [python, "manage.py", "network_worker"]} if environment.has_engine else {}),
        **({"metadata": [python, "-m", "workers.host.metadata"]} if environment.ovn else {}),
        "flower": [
            python, "-m", "cloud.celery_command", "flower",
            f"--unix_socket={flower.socket(environment)}", f"--url_prefix={flower.PREFIX}", "--max_tasks=1000",
        ],
    }  # fmt: skip


# glibc keeps what a thread has freed for that thread: a sign-in (Argon2, 19 MiB) in each of 8 threads would cost
# 200 MiB for good. One arena is enough under the interpreter's lock, and large blocks go back at once.
MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "1048576"}


def cloud(environment: Environment) -> list[Program]:
    """Return the cloud's own processes."""
    code, settings = release(), settings_digest(environment)
    # By the environment: a command line is everybody's to read.
    secrets = {} if environment.is_host else {"flower": {"FLOWER_BASIC_AUTH": flower.credentials(environment)}}
    return [
        Program(
            name,
            command,
            CLOUD,
            environment={
                "CELERITY_PROCESS": name,
                "CELERITY_RELEASE": nginx.digest() if name == "front" else code,
                "SETTINGS_DIGEST": settings,
                **MALLOC,
                **secrets.get(name, {}),
            },
            # nginx completes running requests (worker_shutdown_timeout).
            stop_signal="QUIT" if name == "front" else "TERM",
            # A host agent hands its running steps back first (Celery's soft shutdown).
            stop_seconds=40 if name == "host-agent" else 20,
        )
        for name, command in commands(environment).items()
        if not environment.is_host or name in ON_A_HOST
    ]
