"""What a backup is made of: one tar archive, its members and its manifest. Shared by `make backup` and `make restore`.

manifest.json              format, time, migrations, and the SHA-256 of the small members
celerity.env               settings and passwords
fernet-keys/ credential-keys/ volume-keys/ authority/ ssh/
database.dump              pg_dump's custom format
images/<sha512>            contents of images
hosts/ simulated/          with guests only: their disks, and the images these lie on
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg2.extensions

from deploy.environment import REPOSITORY, Environment
from deploy.errors import DeployError
from deploy.instances.postgresql import PostgreSQL, binaries
from deploy.supervision import programs

FORMAT = 1
MANIFEST, ENV, DUMP, IMAGES = "manifest.json", "celerity.env", "database.dump", "images"
KEYS = ("fernet-keys", "credential-keys", "volume-keys", "authority", "ssh")
STORE = "volume-backups"  # of backups of volumes, unless CELERITY_BACKUP_STORE names another place
GUESTS = ("hosts", "simulated", STORE)


@dataclass(frozen=True)
class Manifest:
    """``migrations`` are "app.name" of the project's own applications; ``sums`` maps members to their SHA-256."""

    made_at: str
    migrations: list[str]
    images: list[str]
    guests: bool
    sums: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    def dump(self) -> str:
        return json.dumps(asdict(self), indent=1)


def read_manifest(text: str) -> Manifest:
    """Parse a manifest. Raises DeployError for one that this code cannot restore."""
    try:
        values = json.loads(text)
        if values["format"] != FORMAT:
            raise DeployError(f"The backup has format {values['format']}; this Celerity restores format {FORMAT}.")
        manifest = Manifest(**values)
    except (ValueError, TypeError, KeyError):
        raise DeployError("The backup's manifest cannot be read. Was this file created by make backup?") from None
    unknown = [name for name in manifest.migrations if not _migration(name).exists()]
    if unknown:
        raise DeployError(
            f"The backup was made by a newer Celerity: it knows {', '.join(unknown[:3])}.",
            hint="Check out the version that made it, or a later one.",
        )
    return manifest


def _migration(name: str) -> Path:
    app, _, file = name.partition(".")
    return REPOSITORY / "apps" / app / "migrations" / f"{file}.py"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tool(name: str) -> str:
    """Return the path of pg_dump or pg_restore. Raises DeployError when it is not installed."""
    try:
        beside = binaries() / name
    except DeployError:
        beside = None  # a client alone, for a server elsewhere
    path = str(beside) if beside and beside.exists() else shutil.which(name)
    if path is None:
        raise DeployError(f"{name} is not installed.", hint="As root: apt-get install postgresql-client")
    return path


def run_tool(environment: Environment, command: list[str]) -> None:
    """Run a program of PostgreSQL's on the cloud's database; the password is not on its command line."""
    parts = psycopg2.extensions.parse_dsn(environment["CELERITY_DATABASE_URL"])
    password = parts.pop("password", "")
    process = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "PGPASSWORD": str(password)}
    command = [tool(command[0]), *command[1:], f"--dbname={psycopg2.extensions.make_dsn(**parts)}", "--no-password"]
    done = subprocess.run(command, env=process, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        hint = "The local PostgreSQL programs are older than the server." if "version mismatch" in done.stderr else ""
        raise DeployError(f"{Path(command[0]).name} failed.", hint=hint, details=done.stderr[-3000:])


@contextmanager
def database(environment: Environment) -> Iterator[PostgreSQL | None]:
    """Have the cloud's database answer for the block: a private one that does not run is started, and stopped again."""
    server = programs.postgresql(environment) if environment.private_database else None
    started = server is not None and server.pid() is None
    try:
        if server is not None and started:
            server.start()
        yield server
    finally:
        if server is not None and started:
            server.stop()


def connect(environment: Environment) -> "psycopg2.extensions.connection":
    """Open a session with the cloud's database. Raises DeployError with what to look at."""
    try:
        return psycopg2.connect(environment["CELERITY_DATABASE_URL"], connect_timeout=10)
    except psycopg2.OperationalError as error:
        raise DeployError(
            "The database does not answer.",
            hint="Its URL is CELERITY_DATABASE_URL in the environment or in celerity.env.",
            details=str(error),
        ) from None
