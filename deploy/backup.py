"""`make backup TO=file.tar`: the cloud's state in one file for its owner's eyes alone. The cloud may run meanwhile."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deploy import archive
from deploy.console import explain, line, stage
from deploy.environment import REPOSITORY, Environment, load
from deploy.errors import DeployError
from deploy.secrets import write_private
from deploy.supervision.client import Supervisor
from deploy.up import alone

if TYPE_CHECKING:
    import psycopg2.extensions

TRIES = 3
_HASHES = """
SELECT DISTINCT os_hash_value FROM images_image WHERE deleted_at IS NULL AND os_hash_value IS NOT NULL
  AND size > 0 ORDER BY 1
"""
_MIGRATIONS = "SELECT app || '.' || name FROM django_migrations WHERE app = ANY(%s) ORDER BY 1"
_SEALED = {
    "volume-keys": "SELECT count(*) FROM volumes_volumekey",
    "credential-keys": "SELECT count(*) FROM identity_credential",
}


@contextmanager
def staging(environment: Environment) -> Iterator[Path]:
    """A directory of ours on the file system of the images: they are linked into it, which pins them and takes no room.

    What an earlier backup that was killed has left is removed.
    """
    root = environment.state / "images"
    root.mkdir(mode=0o700, exist_ok=True)
    for left in root.glob("backup-*"):
        shutil.rmtree(left, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix="backup-", dir=root))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class Snapshot:
    """The contents of images that were linked, those that are not in the store, the migrations, and how many rows the
    keys of a directory encrypt.
    """

    images: list[str]
    missing: list[str]
    migrations: list[str]
    sealed: dict[str, int]


def take_snapshot(environment: Environment, place: Path) -> Snapshot:
    """Dump the database, and link the images of that very snapshot.

    An image that is deleted in this moment is missing: then another snapshot is taken. What is still missing then was
    lost before, and the backup is made without it.
    """
    for left in range(TRIES - 1, -1, -1):
        snapshot = _take_snapshot(environment, place, without_missing=not left)
        if snapshot is not None:
            return snapshot
        time.sleep(0.5)
    raise AssertionError("unreachable")


def _take_snapshot(environment: Environment, place: Path, *, without_missing: bool) -> Snapshot | None:
    session = archive.connect(environment)
    try:
        session.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with session.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            [snapshot] = cursor.fetchone() or [""]
            cursor.execute(_HASHES)
            hashes = [row[0] for row in cursor.fetchall()]
            apps = sorted(path.parent.name for path in (REPOSITORY / "apps").glob("*/migrations"))
            cursor.execute(_MIGRATIONS, [apps])
            migrations = [row[0] for row in cursor.fetchall()]
            sealed = {name: _count(cursor, query) for name, query in _SEALED.items()}
        linked = link_images(environment, place, hashes)
        missing = sorted(set(hashes) - set(linked))
        if missing and not without_missing:
            return None
        dump = ["pg_dump", "--format=custom", "--compress=6", "--no-owner", "--no-privileges"]
        archive.run_tool(environment, [*dump, f"--snapshot={snapshot}", f"--file={place / archive.DUMP}"])
    finally:
        session.close()
    return Snapshot(linked, missing, migrations, sealed)


def _count(cursor: "psycopg2.extensions.cursor", query: str) -> int:
    cursor.execute(query)
    [count] = cursor.fetchone() or [0]
    return int(count)


def link_images(environment: Environment, place: Path, hashes: list[str]) -> list[str]:
    """Link the contents of images; return those that are there."""
    target = place / archive.IMAGES
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    linked = []
    for sha512 in hashes:
        with suppress(FileNotFoundError):
            os.link(environment.state / "images" / "blobs" / sha512, target / sha512)
            linked.append(sha512)
    return linked


def collect(environment: Environment, place: Path, *, guests: bool) -> archive.Manifest:
    """Copy everything into ``place``, and return a description."""
    snapshot = take_snapshot(environment, place)
    pooled = environment.values.get("CELERITY_IMAGE_STORE", "local") not in ("", "local")
    for sha512 in () if pooled else snapshot.missing:
        line(f"    not in the image store, and so not in the backup: {sha512[:16]}… (celerity consistency)")
    if pooled and snapshot.missing:
        line(f"    {len(snapshot.missing)} images are no files here, and so not in the backup (celerity consistency)")
    write_private(place / archive.ENV, environment.file.read_text())
    copy_keys(environment, place, snapshot)
    small = [path for path in sorted(place.rglob("*")) if path.is_file() and path.parent.name != archive.IMAGES]
    manifest = archive.Manifest(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        migrations=snapshot.migrations,
        images=snapshot.images,
        guests=guests,
        sums={str(path.relative_to(place)): archive.sha256(path) for path in small},
    )
    (place / archive.MANIFEST).write_text(manifest.dump())
    return manifest


def copy_keys(environment: Environment, place: Path, snapshot: Snapshot) -> None:
    """Copy the keys, and say which are not here although rows need them. No key is changed meanwhile."""
    for name in archive.KEYS:
        directory = environment.state / name
        if not directory.is_dir():
            if rows := snapshot.sealed.get(name):
                line(f"    not in the backup: {directory}, without which {rows} rows cannot be read. Copy it yourself.")
            continue
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            shutil.copytree(directory, place / name)
        finally:
            os.close(handle)


HOST_PARTS = ("instances", "images", "boot_id", "volumes")


def left_out(environment: Environment, *, guests: bool) -> list[str]:
    """Return where disks, volumes and their backups are that are not in an archive with or without guests' disks."""
    backends = environment.values.get("CELERITY_VOLUME_BACKENDS", "local").split(",")
    inside = ("", "local") if guests else ("",)
    places = [f"volumes of the back end {text.strip()}" for text in backends if text.strip() not in inside]
    for what, name in (("servers' disks", "CELERITY_ROOT_STORE"), ("images", "CELERITY_IMAGE_STORE")):
        place = environment.values.get(name, "local")
        if place not in ("", "local"):
            places.append(f"{what} in {place}")
    own = f"file://{environment.state / archive.STORE}"
    store = environment.values.get("CELERITY_BACKUP_STORE", "") or own
    if not guests or store != own:
        parts = urlsplit(store)
        places.append(f"backups of volumes in {parts._replace(netloc=parts.netloc.rpartition('@')[2]).geturl()}")
    return places


def guests_of(environment: Environment) -> list[str]:
    """Return the paths of this machine's hosts that the archive contains, relative to the state: disks and their
    images, volumes on the disk of servers, and backups of volumes.
    """
    paths = []
    for room in archive.GUESTS:
        for host in sorted((environment.state / room).glob("*")):
            parts = [host / name for name in HOST_PARTS] if room == "hosts" else [host]
            paths += [str(part.relative_to(environment.state)) for part in parts if part.exists()]
    return paths


def write(environment: Environment, place: Path, target: Path, guests: list[str]) -> None:
    """Write the archive to a temporary name and rename it, so that it is complete or absent."""
    members = [archive.MANIFEST, *sorted(path.name for path in place.iterdir() if path.name != archive.MANIFEST)]
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    size = sum(path.stat().st_blocks * 512 for path in place.rglob("*") if path.is_file())
    size += sum(
        p.stat().st_blocks * 512 for folder in guests for p in (environment.state / folder).rglob("*") if p.is_file()
    )
    free = shutil.disk_usage(target.parent).free
    if free < size:
        raise DeployError(f"{target.parent} has {free >> 20} MiB free, and the backup needs {size >> 20} MiB.")
    # posix: times in nanoseconds, by which a host recognises verified data.
    command = ["tar", "--create", "--format=posix", "--sparse", "--hard-dereference", f"--directory={place}", *members]
    if guests:
        command += [f"--directory={environment.state}", *guests]
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE, check=False)
            if done.returncode != 0:
                raise DeployError("The archive could not be written.", details=done.stderr.decode(errors="replace"))
            os.fsync(descriptor)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)


def check(environment: Environment, target: Path, *, guests: bool) -> None:
    """Raise DeployError for what cannot go well."""
    if not environment.file.exists():
        raise DeployError(
            f"There is no cloud in {environment.state}.", hint="STATE=/its/directory, if it is elsewhere."
        )
    if target.exists():
        raise DeployError(f"{target} exists already.", hint="Choose another name, or remove the file first.")
    if not target.parent.is_dir():
        raise DeployError(f"There is no directory {target.parent}.")
    if guests and Supervisor(environment).is_running():
        raise DeployError(
            "The cloud is running; disks cannot be copied while guests write to them.",
            hint="Run make down first. Without GUESTS=1 you can back up a running cloud.",
        )


def main() -> int:
    started = time.monotonic()
    wished, guests = os.environ.get("TO", ""), os.environ.get("GUESTS", "") not in ("", "0")
    try:
        if not wished:
            raise DeployError(
                "Where to?", hint="make backup TO=/safe/place/celerity.tar (GUESTS=1: with guests' disks)"
            )
        environment, target = load(), Path(wished).expanduser().absolute()
        check(environment, target, guests=guests)
        with alone(environment.state), staging(environment) as place:
            with stage("Database, keys, settings, images"), archive.database(environment):
                manifest = collect(environment, place, guests=guests)
            with stage("Archive"):
                write(environment, place, target, guests_of(environment) if guests else [])
    except PermissionError as error:
        explain(DeployError(f"{error.strerror}: {error.filename}", hint="Run it as the account that ran make up."))
        return 1
    except DeployError as error:
        explain(error)
        return 1
    what = f"{len(manifest.images)} images, " + (
        "with guests' disks and volumes" if guests else "without guests' disks and volumes"
    )
    for omitted in left_out(environment, guests=guests):
        line(f"    not in the backup: {omitted}")
    line(f"{target}: {target.stat().st_size >> 20} MiB, {what}, {time.monotonic() - started:.1f} s.")
    line("It contains passwords and keys; protect it accordingly.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
