"""OVN's databases: created from the schemas of the installed packages, converted when a schema is newer."""

from dataclasses import dataclass
from pathlib import Path

from deploy.console import line
from deploy.errors import DeployError
from deploy.ovn.places import Places, run

OVS_SCHEMAS, OVN_SCHEMAS = Path("/usr/share/openvswitch"), Path("/usr/share/ovn")


@dataclass(frozen=True)
class Database:
    """One database file, and the schema that it is made from."""

    file: Path
    schema: Path
    socket: Path


def central(places: Places) -> list[Database]:
    """Return the cloud's databases: what networks should be, and where OVN put them."""
    return [
        Database(places.central / f"{name}.db", OVN_SCHEMAS / f"ovn-{name}.ovsschema", places.central / f"{name}.sock")
        for name in ("nb", "sb")
    ]


def host(places: Places) -> Database:
    """Return the database of this machine's Open vSwitch."""
    return Database(places.host / "conf.db", OVS_SCHEMAS / "vswitch.ovsschema", places.host / "db.sock")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.strip().split("."))


def prepare(database: Database) -> bool:
    """Have a database that the installed daemons can serve; return whether it was there. Its server must not run.

    A file that cannot be read is put aside: rows of PostgreSQL and settings make a new one complete. A database of a
    newer schema is left as it is: older daemons serve it.
    """
    if not database.file.exists():
        _create(database)
        return False
    version = run("ovsdb-tool", "db-version", str(database.file), check=False)
    if version.returncode != 0 or not version.stdout.strip():
        aside = database.file.with_suffix(".unreadable")
        database.file.rename(aside)
        line(f"    {database.file.name} cannot be read: created again; the old file is {aside}")
        _create(database)
        return False
    wanted = run("ovsdb-tool", "schema-version", str(database.schema)).stdout
    if _version(version.stdout) < _version(wanted):
        run("ovsdb-tool", "convert", str(database.file), str(database.schema))
    return True


def _create(database: Database) -> None:
    """Create the file beside its place and rename it, so that it is whole or absent."""
    if not database.schema.exists():
        raise DeployError(f"{database.schema} is missing.", hint="It is part of Debian's openvswitch and ovn packages.")
    partial = database.file.with_suffix(".new")
    partial.unlink(missing_ok=True)
    run("ovsdb-tool", "create", str(partial), str(database.schema))
    partial.with_name(f".{partial.name}.~lock~").unlink(missing_ok=True)
    partial.rename(database.file)
