"""Backups over real exports: bit for bit, incremental ones, and what was damaged. Needs QEMU's tools; not root."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.drivers import samples
from tests.unit.drivers.volume_contract import made
from workers.drivers.backup import loader as backups
from workers.drivers.backup.archive import bucket, manifest
from workers.drivers.backup.archive.driver import Archive
from workers.drivers.backup.base import BackupSpec, Disk
from workers.drivers.backup.errors import BackupDamaged, BackupMissing, StoreFull, StoreUnavailable
from workers.drivers.backup.errors import VolumeTooSmall as TooSmall
from workers.drivers.errors import SpecInvalid
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import ExportSpec, FromVolume, VolumeDriver, VolumeSpec
from workers.system import nbd

TOOLS = ("qemu-img", "qemu-storage-daemon")
pytestmark = pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="needs QEMU's tools")
MIB = 1 << 20


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[VolumeDriver]:
    with tempfile.TemporaryDirectory(prefix="cly-b", dir="/tmp") as path:
        driver = volumes.load("local", {"state_dir": tmp_path, "run_dir": path, "reserved_gib": 0})
        yield driver
        for export in driver.list_exports():
            driver.close_export(export.volume_id, None)


@pytest.fixture
def store(tmp_path: Path) -> Archive:
    store = backups.load("archive", {"backup_store": f"file://{tmp_path}/a%20store", "reserved_gib": 0})
    assert isinstance(store, Archive)
    return store


def disk(driver: VolumeDriver, volume_id: str) -> Disk:
    driver.close_export(volume_id, None)
    export = driver.open_export(volume_id, ExportSpec("b1"))
    return Disk(export.socket, export.name)


def write(driver: VolumeDriver, volume_id: str, **parts: bytes) -> None:
    """``_5=b"x"`` writes a MiB of x at 5 MiB; zeros take no space."""
    where = disk(driver, volume_id)
    with nbd.Client(where.socket, where.export) as client:
        for name, byte in parts.items():
            client.write(int(name[1:]) * MIB, byte * MIB)
        client.flush()


def digest(driver: VolumeDriver, volume_id: str) -> str:
    where, total = disk(driver, volume_id), hashlib.sha256()
    with nbd.Client(where.socket, where.export) as client:
        for offset in range(0, client.size, 64 * MIB):
            total.update(client.read_all(offset, 64 * MIB))
    return total.hexdigest()


def test_full_and_incremental(driver: VolumeDriver, store: Archive) -> None:
    volume = made(driver, 1)
    write(driver, volume, _0=b"a", _5=b"b", _700=b"c", _1023=b"d")
    before = digest(driver, volume)
    clone = made(driver, 1, FromVolume(volume))
    first, second = BackupSpec(samples.new_id(), 1), samples.new_id()
    for _ in range(2):
        info = store.create_backup(first, disk(driver, clone))
        assert (info.size_gib, info.objects, info.parent_id) == (1, 4, None)
        assert info.stored_bytes < MIB
    write(driver, volume, _5=b"\0", _6=b"e", _700=b"c", _800=b"f")
    after = digest(driver, volume)
    changed = store.create_backup(BackupSpec(second, 1, first.id), disk(driver, volume))
    assert (changed.objects, changed.parent_id) == (2, first.id)
    assert store.list_backups() == tuple(sorted((first.id, second)))
    for backup_id, expected in ((first.id, before), (second, after)):
        target = made(driver, 1)
        write(driver, target, _9=b"z", _1000=b"z")  # what was there before goes
        store.restore_backup(backup_id, disk(driver, target))
        assert digest(driver, target) == expected, backup_id
    for _ in range(2):
        store.delete_backup(second)
        assert store.find_backup(second) is None
    assert store.list_backups() == (first.id,)


def test_raw_volumes_have_incremental_backups_too(driver: VolumeDriver, store: Archive) -> None:
    volume, first, second = VolumeSpec(samples.new_id(), 1, "raw"), samples.new_id(), samples.new_id()
    driver.create_volume(volume)
    write(driver, volume.id, _0=b"a", _700=b"b")
    store.create_backup(BackupSpec(first, 1), disk(driver, volume.id))
    write(driver, volume.id, _700=b"c")
    assert store.create_backup(BackupSpec(second, 1, first), disk(driver, volume.id)).objects == 1
    target = made(driver, 1)
    store.restore_backup(second, disk(driver, target))
    where = disk(driver, target)
    with nbd.Client(where.socket, where.export) as client:
        assert [client.read_all(at * MIB, MIB)[:1] for at in (0, 700, 1023)] == [b"a", b"c", b"\0"]


@pytest.mark.heavy
def test_a_volume_that_grew_begins_a_new_chain(
    driver: VolumeDriver, store: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parent's chunks would be more than a manifest may have: a backup that nobody can restore."""
    volume, first, second = made(driver, 1), samples.new_id(), samples.new_id()
    write(driver, volume, _0=b"a")
    store.create_backup(BackupSpec(first, 1), disk(driver, volume))
    driver.extend_volume(volume, 2)
    write(driver, volume, _1500=b"b")
    monkeypatch.setattr(manifest, "MOST_CHUNKS", 64)  # four times as many of 4 MiB are 1 GiB
    info = store.create_backup(BackupSpec(second, 2, first), disk(driver, volume))
    assert info.parent_id is None
    target = made(driver, 2)
    store.restore_backup(second, disk(driver, target))
    assert digest(driver, target) == digest(driver, volume)


def test_what_is_not_whole_is_refused(driver: VolumeDriver, store: Archive, tmp_path: Path) -> None:
    volume, spec = made(driver, 1), BackupSpec(samples.new_id(), 1)
    write(driver, volume, _0=b"a", _8=b"b")
    with pytest.raises(BackupMissing):
        store.create_backup(BackupSpec(samples.new_id(), 1, spec.id), disk(driver, volume))
    store.create_backup(spec, disk(driver, volume))
    directory = tmp_path / "a store" / spec.id
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    target = disk(driver, made(driver, 1))
    written, part = directory / "manifest.json", directory / "00000002.z"
    text, data = written.read_text(), part.read_bytes()
    part.write_bytes(data[:-9] + b"somewhere")
    with pytest.raises(BackupDamaged):
        store.restore_backup(spec.id, target)
    part.unlink()
    with pytest.raises(BackupMissing):
        store.restore_backup(spec.id, target)
    part.write_bytes(data)
    outside = json.loads(text)
    outside["chunks"]["2"][1] = "../../etc/passwd"
    for bad in ("{", "[]", "{}", json.dumps(outside)):
        written.write_text(bad)
        with pytest.raises(BackupDamaged):
            store.restore_backup(spec.id, target)
    written.unlink()
    with pytest.raises(BackupMissing):
        store.restore_backup(spec.id, target)
    assert store.list_backups() == (spec.id,)
    driver.create_volume(big := VolumeSpec(samples.new_id(), 2))
    larger = BackupSpec(samples.new_id(), 2)
    store.create_backup(larger, disk(driver, big.id))
    with pytest.raises(TooSmall):
        store.restore_backup(larger.id, target)
    full = backups.load("archive", {"backup_store": f"file://{tmp_path}/a%20store", "reserved_gib": 1 << 20})
    with pytest.raises(StoreFull):
        full.create_backup(BackupSpec(samples.new_id(), 1), disk(driver, volume))


@pytest.mark.parametrize("disk_format", ["raw", "qcow2"])
def test_a_copy_in_one_file(driver: VolumeDriver, disk_format: Any, tmp_path: Path) -> None:
    volume = made(driver, 1)
    write(driver, volume, _3=b"x")
    before = digest(driver, volume)
    clone = made(driver, 1, FromVolume(volume))
    path = Path(driver.read_volume(clone, disk_format))
    assert driver.residue(remove=True) == ()
    raw = tmp_path / "raw"
    subprocess.run(["qemu-img", "convert", "-f", disk_format, "-O", "raw", str(path), str(raw)], check=True)
    with raw.open("rb") as stream:
        assert hashlib.file_digest(stream, "sha256").hexdigest() == before
    driver.close_export(volume, None)
    driver.delete_volume(clone)
    assert not path.exists()


@pytest.mark.parametrize("url", ["", "/backups", "file://host/backups", "file:backups", "ftp://host/x"])
def test_bad_stores(url: str) -> None:
    with pytest.raises(SpecInvalid):
        backups.load("archive", {"backup_store": url})


def test_a_silent_bucket_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recovery lists the store: it waits once, and not long."""
    monkeypatch.setattr(bucket, "LISTING_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = {"s3_endpoint": f"http://127.0.0.1:{silent.getsockname()[1]}", "s3_access_key": "a"}
        store = backups.load("archive", {"backup_store": "s3://backups", "s3_secret_key": "b", **options})
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            store.list_backups()
    assert time.monotonic() - began < 15
