"""A private PostgreSQL: its own data directory, port and password. Debian's clusters are never touched."""

import shutil
import signal
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg2

from deploy import processes
from deploy.errors import DeployError
from deploy.instances.process import Server, give, owner_of, process_in, run_as

CONFIGURATION = """\
# Written by deploy/instances/postgresql.py at every start.
listen_addresses = '{host}'
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 200
# Small: one machine is shared with the guests. Writes stay safe.
shared_buffers = '32MB'
work_mem = '4MB'
maintenance_work_mem = '64MB'
max_wal_size = '512MB'
wal_compression = on
fsync = {durable}
# Also where fsync is off (tests): what was committed survives a killed server, if not a power cut.
synchronous_commit = on
full_page_writes = {durable}
# Statements are short: compiling them costs more than running them.
jit = off
# No subscriptions: the launcher of their workers is a process for nothing.
max_logical_replication_workers = 0
random_page_cost = 1.1
# The tables of runs and steps are queues: their dead rows are collected early.
autovacuum_naptime = '15s'
autovacuum_vacuum_scale_factor = 0.05
autovacuum_analyze_scale_factor = 0.05
# A session's locks are leases: those of a peer that vanished end within half a minute.
tcp_keepalives_idle = 10
tcp_keepalives_interval = 5
tcp_keepalives_count = 3
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %a '
# Statements hold values, and so do the details of an error: hashes of passwords, user data.
log_min_error_statement = panic
log_error_verbosity = terse
"""
ACCESS = """\
# Over the socket, whose directory only the owner may enter: the owner's account, as the superuser.
local all postgres peer map=owner
# Over TCP: with a password.
host all all {host}/32 scram-sha-256
"""
ROLE = """\
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role}; END IF;
END $$;
ALTER ROLE {role} LOGIN CREATEDB NOSUPERUSER PASSWORD '{password}';
SELECT 'CREATE DATABASE {database} OWNER {role}' WHERE NOT EXISTS
    (SELECT FROM pg_database WHERE datname = '{database}') \\gexec
"""


def binaries(version: str | None = None) -> Path:
    """Return the directory of PostgreSQL's programs: of a major version, or of the newest that is installed."""
    directories = sorted(
        (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")),
        key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0,
    )
    if version is not None:
        directories = [path for path in directories if path.parent.name == version]
    if directories:
        return directories[-1]
    if (program := shutil.which("postgres")) and version is None:
        return Path(program).resolve().parent
    wanted = f"PostgreSQL {version}" if version else "PostgreSQL"
    raise DeployError(f"{wanted} is not installed.", hint="As root: apt-get install postgresql")


class PostgreSQL(Server):
    """One cluster under ``directory`` that serves the role and database of ``url`` on its port."""

    name = "postgresql"
    stop_signal = signal.SIGINT  # "fast": sessions are ended, everything is written

    def __init__(self, directory: Path, url: str, *, durable: bool = True) -> None:
        super().__init__(directory)
        parts = urlsplit(url)
        self.url = url
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 5432
        self.role = parts.username or "celerity"
        self.password = parts.password or ""
        self.database = parts.path.lstrip("/")
        self.durable = durable
        self.data = directory / "data"
        self.sockets = directory / "run"
        self.user = owner_of("postgres")  # PostgreSQL refuses to run as root

    def command(self) -> list[str]:
        return [str(self._bin() / "postgres"), "-D", str(self.data)]

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        give(self.directory, self.user, 0o700)
        self.sockets.mkdir(exist_ok=True)
        give(self.sockets, self.user, 0o700)
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        if self.pid() is None:
            self._bury()
        durable = "on" if self.durable else "off"
        self._write(
            self.data / "postgresql.conf",
            CONFIGURATION.format(host=self.host, port=self.port, sockets=self.sockets, durable=durable),
        )
        self._write(self.data / "pg_hba.conf", ACCESS.format(host=self.host))
        owner = self.user or psutil.Process().username()
        self._write(self.data / "pg_ident.conf", f"owner {owner} postgres\n")

    def pid(self) -> int | None:
        return process_in(self.data / "postmaster.pid", {"postgres"}, self.data)

    def is_ready(self) -> bool:
        """Say whether the cluster takes connections; the role may not exist yet."""
        answer = run_as(
            self.user, [str(self._bin() / "pg_isready"), "-q", "-h", str(self.sockets), "-p", str(self.port)]
        )
        return answer.returncode == 0

    def provision(self) -> None:
        """Make the role and its database, and set the role's password, as often as one likes."""
        sql = ROLE.format(role=self.role, password=self.password, database=self.database)
        answer = run_as(
            self.user,
            [
                str(self._bin() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1",
                "-h", str(self.sockets), "-p", str(self.port), "-U", "postgres", "-d", "postgres", "-f", "-",
            ],
            stdin=sql,
        )  # fmt: skip
        if answer.returncode != 0:
            raise DeployError("PostgreSQL's role could not be created.", details=answer.stderr)
        psycopg2.connect(self.url, connect_timeout=5).close()

    def start(self, timeout: float = 30) -> None:
        super().start(timeout)
        self.provision()

    def _bin(self) -> Path:
        try:
            return binaries((self.data / "PG_VERSION").read_text().strip())
        except FileNotFoundError:
            return binaries()

    def _initialise(self) -> None:
        """Run initdb beside the final place and rename, so that a data directory is whole or absent."""
        for leftover in self.directory.glob("data.new*"):
            shutil.rmtree(leftover, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        partial = self.directory / "data.new"
        command = [
            str(binaries() / "initdb"), "-D", str(partial), "-U", "postgres",
            "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
            "--auth-local=peer", "--auth-host=scram-sha-256",
        ]  # fmt: skip
        answer = run_as(self.user, command if self.durable else [*command, "--no-sync"])
        if answer.returncode != 0:
            raise DeployError(
                "initdb failed.",
                hint=f"The account {self.user or 'you'} must be able to enter {self.directory}.",
                details=answer.stdout + answer.stderr,
            )
        partial.rename(self.data)

    def _bury(self) -> None:
        """After a kill: end the old server's remaining processes, and remove a stale PID file.

        Backends end by themselves when the postmaster dies, but a new one refuses to start before they have.
        """
        orphans = [p for p in psutil.process_iter(["name", "cwd"]) if self._is_backend(p)]
        for process in processes.wait_ended(orphans, 5):
            process.kill()
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _is_backend(self, process: psutil.Process) -> bool:
        return bool(process.info["name"] == "postgres" and process.info["cwd"] == str(self.data.resolve()))

    def _write(self, path: Path, text: str) -> None:
        partial = path.with_suffix(".new")
        partial.write_text(text)
        give(partial, self.user, 0o600)
        partial.rename(path)
