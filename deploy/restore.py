"""`make restore FROM=file.tar`: a state directory as it was when `make backup` wrote it. Then: make up."""

import hashlib
import os
import shutil
import sys
import tarfile
import time
from pathlib import Path

from deploy import archive, ports, secrets
from deploy.console import explain, line, stage
from deploy.environment import Environment, from_process, state_directory, up_command
from deploy.errors import DeployError
from deploy.up import alone

_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


def require_fresh(state: Path) -> None:
    """Raise DeployError where a cloud is, or half of one."""
    there = [name for name in (archive.ENV, "postgresql", *archive.KEYS, *archive.GUESTS) if (state / name).exists()]
    if there:
        raise DeployError(
            f"{state} already contains a cloud ({', '.join(there)}).",
            hint="Restore to STATE=/another/directory, or remove the cloud: make down, make clean.",
        )


def unpack(source: Path, place: Path) -> archive.Manifest:
    """Unpack the archive into ``place`` and check every member. Raises DeployError; links and devices are refused."""
    try:
        with tarfile.open(source, "r:") as tar:
            first = tar.next()
            if first is None or first.name != archive.MANIFEST:
                raise DeployError(f"{source} is not a backup of Celerity.")
            text = tar.extractfile(first)
            manifest = archive.read_manifest(text.read().decode() if text else "")
            for member in tar:
                _extract(tar, member, place)
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
        raise DeployError(
            f"{source} is not a readable archive: it is damaged or truncated.", details=str(error)
        ) from None
    for name, wanted in manifest.sums.items():
        if not (place / name).is_file() or archive.sha256(place / name) != wanted:
            raise DeployError(f"The backup is damaged: {name} is not what was written.")
    for sha512 in manifest.images:
        path = place / archive.IMAGES / sha512
        if not path.is_file() or not _is(path, sha512):
            raise DeployError(f"The backup is damaged: the image {sha512[:16]}… is not what was written.")
    return manifest


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    """Unpack a plain file or directory below ``place``, as ours: no link, no device, no way out."""
    parts = Path(member.name).parts
    if not (member.isfile() or member.isdir()) or member.name.startswith("/") or ".." in parts:
        raise DeployError(f"This is not a backup of Celerity; it contains {member.name!r}.")
    member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""
    member.mode = 0o711 if member.isdir() else member.mode & 0o755
    tar.extract(member, place)
    if member.isfile():
        seconds, _, fraction = member.pax_headers.get("mtime", str(int(member.mtime))).partition(".")
        moment = int(seconds) * 10**9 + int(fraction[:9].ljust(9, "0"))
        os.utime(place / member.name, ns=(moment, moment))


def _is(path: Path, sha512: str) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest() == sha512


def put_in_place(place: Path, state: Path) -> None:
    """Move what was unpacked to where the cloud looks for it, with the modes it is to have."""
    for name in archive.KEYS:
        if (place / name).is_dir():
            (place / name).chmod(0o700)
            for key in (place / name).rglob("*"):
                key.chmod(0o700 if key.is_dir() else 0o600)
            (place / name).rename(state / name)
    (state / "images").mkdir(mode=0o700, exist_ok=True)
    (place / archive.IMAGES).chmod(0o700)
    for blob in (place / archive.IMAGES).iterdir():
        blob.chmod(0o444)
    (place / archive.IMAGES).rename(state / "images" / "blobs")
    for name in archive.GUESTS:
        if (place / name).is_dir():
            (place / name).chmod(0o700 if name == archive.STORE else 0o711)
            (place / name).rename(state / name)


def fill_database(environment: Environment, dump: Path) -> None:
    """Restore the dump in one transaction: all of it, or nothing."""
    wanted = [endpoint for endpoint in ports.endpoints(environment) if endpoint.setting == "CELERITY_DATABASE_URL"]
    ports.require_free(wanted, lambda pid: False)
    with archive.database(environment):
        session = archive.connect(environment)
        with session.cursor() as cursor:
            cursor.execute(_TABLES)
            [tables] = cursor.fetchone() or [0]
        session.close()
        if tables:
            raise DeployError(
                f"The database that CELERITY_DATABASE_URL names has {tables} tables: it must be empty.",
                hint="Name an empty one in CELERITY_DATABASE_URL, or empty it: dropdb, createdb.",
            )
        command = ["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
        archive.run_tool(environment, [*command, str(dump)])


def restore(source: Path, state: Path) -> archive.Manifest:
    """Do everything. If it fails, it removes what it created."""
    place = state / "restore"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    try:
        with stage("Archive, checked"):
            manifest = unpack(source, place)
        with stage("Database"):
            secrets.write_private(state / archive.ENV, (place / archive.ENV).read_text())
            environment = secrets.ensure(state)  # what is set in the environment now wins, and is remembered
            fill_database(environment, place / archive.DUMP)
        with stage("Keys, images" + (", guests' disks" if manifest.guests else "")):
            put_in_place(place, state)
    except BaseException:
        for name in (archive.ENV, "postgresql", *archive.KEYS, archive.IMAGES, *archive.GUESTS):
            path = state / name
            path.unlink(missing_ok=True) if path.is_file() else shutil.rmtree(path, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return manifest


def main() -> int:
    started = time.monotonic()
    wished = os.environ.get("FROM", "")
    try:
        if not wished:
            raise DeployError("From which file?", hint="make restore FROM=/safe/place/celerity.tar")
        source, state = Path(wished).expanduser().absolute(), state_directory()
        if not source.is_file():
            raise DeployError(f"There is no file {source}.")
        require_fresh(state)
        state.mkdir(parents=True, exist_ok=True, mode=0o755)
        with alone(state):
            manifest = restore(source, state)
    except PermissionError as error:
        explain(
            DeployError(f"{error.strerror}: {error.filename}", hint="make restore FROM=… STATE=/a/directory/of/yours")
        )
        return 1
    except DeployError as error:
        explain(error)
        return 1
    line(f"Restored the cloud of {manifest.made_at} to {state} in {time.monotonic() - started:.1f} s.")
    if not manifest.guests:
        line("The backup has no guests' disks: servers on new hosts show as SHUTOFF.")
    if named := ", ".join(sorted(set(from_process()) - {"CELERITY_HYPERVISOR", "CELERITY_HOSTS"})):
        line(f"Settings of the environment were kept: {named}.")
    line(f"Start it: {up_command(state)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
