"""SQL statements as PostgreSQL counts them: its own extension pg_stat_statements, in the bench's own cluster."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from deploy.errors import DeployError
from deploy.instances.postgresql import PostgreSQL
from deploy.instances.process import run_as

# psycopg2 sends these by themselves: each is a round trip like any other, so they count, but apart.
CONTROL = r"^\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\M"
# Not sent by anybody: the server's own look at the other end of a foreign key, at the end of a transaction.
FOREIGN_KEYS = r"^SELECT \S+ FROM ONLY .* FOR KEY SHARE OF x"
EXTENSION = """\
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC;
"""
COUNTS = """\
SELECT coalesce(sum(calls) FILTER (WHERE query !~* %(control)s AND query !~* %(keys)s), 0),
       coalesce(sum(calls) FILTER (WHERE query ~* %(control)s), 0),
       coalesce(sum(calls) FILTER (WHERE query ~* %(keys)s), 0), coalesce(sum(total_exec_time), 0) / 1000
  FROM pg_stat_statements
 WHERE query NOT ILIKE %(own)s AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
TOP = """\
SELECT calls, total_exec_time, query FROM pg_stat_statements WHERE query NOT ILIKE %s ORDER BY {} DESC LIMIT %s
"""
OWN = "%pg_stat_statements%"


@dataclass(frozen=True, slots=True)
class Statements:
    """``control``: BEGIN, COMMIT and their kind; ``checks``: of foreign keys; ``seconds``: spent on them all."""

    work: int
    control: int
    checks: int
    seconds: float


class CountingPostgreSQL(PostgreSQL):
    """The cluster that `make up` would run, with the extension that counts statements."""

    def command(self) -> list[str]:
        loaded = ["-c", "shared_preload_libraries=pg_stat_statements", "-c", "pg_stat_statements.max=1000"]
        return [*super().command(), *loaded, "-c", "track_io_timing=off"]

    def provision(self) -> None:
        super().provision()
        answer = run_as(
            self.user,
            [str(self._bin() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self.sockets),
             "-p", str(self.port), "-U", "postgres", "-d", self.database, "-c", EXTENSION],
        )  # fmt: skip
        if answer.returncode != 0:
            raise DeployError("The extension pg_stat_statements could not be made.", details=answer.stderr)


def is_installed(directory: Path | None = None) -> bool:
    """Say whether the extension is installed (Debian has it in the server's own package)."""
    return any((directory or Path("/usr/lib/postgresql")).glob("*/lib/pg_stat_statements.so"))


def reset(url: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_statements_reset()")
        connection.commit()


def count(url: str) -> Statements:
    """Return what ran since the last reset, of every session of the cloud."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(COUNTS, {"control": CONTROL, "keys": FOREIGN_KEYS, "own": OWN})
        (work, control, checks, seconds), *_ = cursor.fetchall()
    return Statements(int(work), int(control), int(checks), float(seconds))


def most(url: str, *, by: str = "calls", limit: int = 60) -> list[tuple[int, float, str]]:
    """Return the statements with the most calls, or the most time (``by="total_exec_time"``): calls, ms, text."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(TOP.format(by), [OWN, limit])
        return [(int(calls), float(ms), " ".join(query.split())) for calls, ms, query in cursor.fetchall()]
