"""Volumes in a Ceph cluster keep the contract, over a real one. Needs Ceph's daemons, which root runs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests import ceph
from tests.unit.drivers import ceph_volumes, samples
from tests.unit.drivers.ceph_volumes import driver_of, read, write
from tests.unit.drivers.local_volumes import run
from tests.unit.drivers.volume_contract import VolumeContract, info_of, made
from workers.drivers.backup import loader as backups
from workers.drivers.backup.base import BackupSpec, Disk
from workers.drivers.backup.errors import StoreUnavailable
from workers.drivers.volume.base import (
    ExportSpec,
    FromImage,
    FromSnapshot,
    FromVolume,
    Unmanaged,
    VolumeInfo,
    VolumeSpec,
)
from workers.drivers.volume.ceph.driver import CephVolumes
from workers.drivers.volume.errors import (
    NotUnmanaged,
    PoolBusy,
    PoolFull,
    PoolUnavailable,
    SnapshotNotFound,
    SourceUnavailable,
    VolumeInUse,
    VolumeTooSmall,
)

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0 or bool(ceph.missing()), reason="needs root and Ceph"),
    pytest.mark.xdist_group("ceph"),
]
cluster, driver, image, run_dir = ceph_volumes.cluster, ceph_volumes.driver, ceph_volumes.image, ceph_volumes.run_dir


class TestCeph(VolumeContract):
    """The contract."""


@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_an_image_of_the_store(driver: CephVolumes, image: FromImage, cluster: ceph.CephCluster, form: Any) -> None:
    """A raw one is what a volume is a clone of; of a qcow2 a raw copy is made in the cluster. No file is read."""
    path, name = Path(image.path), f"content-{samples.new_id()}"
    if form == "raw":
        run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, path.with_suffix(".raw"))
    cluster.rbd("import", "--no-progress", str(path.with_suffix(".raw") if form == "raw" else path), name)
    spec, place = VolumeSpec(samples.new_id(), 1), f"{ceph.POOL}/{name}"
    assert not driver.has_content(spec, place)  # not whole
    cluster.rbd("snap", "create", "--no-progress", f"{name}@base")
    assert driver.has_content(spec, place) and not driver.has_content(spec, f"other/{name}")
    path.unlink()
    source = FromImage(image.path, form, image.virtual_size, place)
    assert driver.copies(spec, source) == (form == "qcow2")
    driver.create_volume(spec, source)
    read(driver, spec.id, "7")
    parent = json.loads(cluster.rbd("info", "--format", "json", f"volume-{spec.id}"))["parent"]["image"]
    assert (parent == name) == (form == "raw")
    driver.delete_volume(spec.id)
    cluster.rbd("snap", "rm", "--no-progress", f"{name}@base")
    cluster.rbd("rm", "--no-progress", name)
    with pytest.raises(SourceUnavailable if form == "raw" else PoolUnavailable):
        driver.create_volume(VolumeSpec(samples.new_id(), 1), replace(source, path=f"/{'a' * 128}"))


def test_contents(driver: CephVolumes, image: FromImage, tmp_path: Path) -> None:
    spec = VolumeSpec(samples.new_id(), 1)
    assert driver.copies(spec, image)
    driver.create_volume(spec, image)
    assert not driver.copies(spec, image)  # it is in the pool now
    read(driver, spec.id, "7")
    driver.create_snapshot(spec.id, snapshot := samples.new_id())
    write(driver, spec.id, "9")
    before, now = made(driver, 1, FromSnapshot(spec.id, snapshot)), made(driver, 2, FromVolume(spec.id))
    driver.revert_volume(spec.id, snapshot)
    for volume, pattern in ((spec.id, "7"), (before, "7"), (now, "9")):
        read(driver, volume, pattern)
    source, target = ("raw", driver._cluster.url(f"volume-{now}")), ("raw", str(tmp_path / "copy"))
    with pytest.raises(PoolFull):
        driver._cluster.convert(source, target, None, reserve_gib=1 << 20)
    path = driver.read_volume(now, "qcow2")
    run("qemu-io", "-r", "-f", "qcow2", "-c", "read -q -P 9 0 1M", path)
    driver.delete_volume(spec.id)  # its clones keep what they have of it
    for volume, pattern in ((before, "7"), (now, "9")):
        read(driver, volume, pattern)
    driver.delete_volume(now)
    assert not Path(path).exists()


def test_two_hosts(
    cluster: ceph.CephCluster, driver: CephVolumes, tmp_path_factory: pytest.TempPathFactory, run_dir: Path
) -> None:
    """A pool's locks are of all hosts; what is left of a volume's client is fenced."""
    other = driver_of(cluster, tmp_path_factory.mktemp("other"), run_dir / "other")
    try:
        volume = made(driver)
        assert info_of(other, volume) is not None
        disk = other.guest_disk(volume)
        assert disk is not None
        assert (disk.secret, disk.image) == (driver.guest_disk(volume).secret, f"volume-{volume}")  # type: ignore[union-attr]
        assert disk.key
        assert disk.key not in repr(disk)
        export = other.open_export(volume, ExportSpec("there"))
        url = f"nbd+unix:///there?socket={export.socket}"
        run("qemu-io", "-f", "raw", "-c", "write -q 0 64k", "-c", "flush", url)
        with pytest.raises(PoolBusy):
            driver.delete_volume(volume)
        driver.fence(volume)
        with pytest.raises(Exception, match="qemu-io"):
            run("qemu-io", "-f", "raw", "-c", "write -q 0 64k", "-c", "flush", url)
        other.close_export(volume, None)
        driver.delete_volume(volume)
    finally:
        other.close()


def test_an_image_that_two_hosts_copy(driver: CephVolumes, image: FromImage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another host begins while this one has copied and not said so, and fails: neither spoils the other's."""
    cluster, other = driver._cluster, samples.new_id()
    convert, key = cluster.convert, hashlib.sha256(Path(image.path).name.encode()).hexdigest()[:32]

    def slow(*values: Any) -> None:
        convert(*values)
        cluster.do("begin_base", new=other, size=image.virtual_size)

    monkeypatch.setattr(cluster, "convert", slow)
    volume = made(driver, 1, image)
    cluster.do("end_base", key=key, new=other, whole=False)
    assert not driver.copies(VolumeSpec(samples.new_id(), 1), image)
    for each in (volume, made(driver, 1, image)):
        read(driver, each, "7")


def test_unmanaged_images(cluster: ceph.CephCluster, driver: CephVolumes) -> None:
    """An image that an operator calls so becomes a volume, with its snapshots, and is released again."""
    cluster.rbd("create", "--size", "1536M", "unmanaged-disk.1")
    cluster.rbd("snap", "create", "--no-progress", "unmanaged-disk.1@unmanaged-monday")
    found = [Unmanaged("disk.1", 2)]
    assert list(driver.list_unmanaged()) == found
    for size, name in ((1, "disk.1"), (2, "none"), (2, "../x")):
        with pytest.raises(VolumeTooSmall if size == 1 else NotUnmanaged):
            driver.adopt_volume(VolumeSpec(samples.new_id(), size), name)
    spec, snapshot = VolumeSpec(samples.new_id(), 2), samples.new_id()
    for _ in range(2):
        assert driver.adopt_volume(spec, "disk.1").size_gib == 2
    assert (driver.list_unmanaged(), driver.residue(remove=True)) == ((), ())
    assert driver.list_unmanaged_snapshots(spec.id) == (Unmanaged("unmanaged-monday", 2),)
    for old, new in (("unmanaged-monday", snapshot), (snapshot, f"unmanaged-{snapshot}")):
        for _ in range(2):
            driver.rename_snapshot(spec.id, old, new)
    assert info_of(driver, spec.id) == VolumeInfo(spec.id, 2, "raw", shared=True)
    with pytest.raises(SnapshotNotFound):
        driver.rename_snapshot(spec.id, samples.new_id(), "unmanaged-x")
    write(driver, spec.id, "7")
    other = made(driver)
    driver.release_volume(other, "taken")
    with pytest.raises(NotUnmanaged):
        driver.release_volume(spec.id, "taken")
    driver.open_export(spec.id, ExportSpec("guest"))
    with pytest.raises(VolumeInUse):
        driver.release_volume(spec.id, "again")
    driver.close_export(spec.id, None)
    for _ in range(2):
        driver.release_volume(spec.id, "again")
    assert [item.reference for item in driver.list_unmanaged()] == ["again", "taken"]
    driver.adopt_volume(spec, "again")
    read(driver, spec.id, "7")
    cluster.rbd("rm", "--no-progress", "unmanaged-taken")


def test_fencing_keeps_other_hosts(
    cluster: ceph.CephCluster, driver: CephVolumes, tmp_path_factory: pytest.TempPathFactory, run_dir: Path
) -> None:
    other = driver_of(cluster, tmp_path_factory.mktemp("other"), run_dir / "other")
    volume = made(driver)
    export = other.open_export(volume, ExportSpec("there"))
    writing = (
        "qemu-io",
        "-f",
        "raw",
        "-c",
        "write -q 0 64k",
        "-c",
        "flush",
        f"nbd+unix:///there?socket={export.socket}",
    )
    with pytest.raises(PoolUnavailable):
        driver.fence(volume, ["nobody"])
    other.pool()
    driver.fence(volume, ["other"])
    run(*writing)
    driver.fence(volume)
    with pytest.raises(Exception, match="qemu-io"):
        run(*writing)
    other.close_export(volume, None)
    other.close()


def test_backups_in_a_bucket(cluster: ceph.CephCluster, driver: CephVolumes, image: FromImage) -> None:
    """A volume of the cluster, whole and as its changes, in a bucket of an S3 server."""
    options = cluster.start_gateway()
    boto3.client(
        "s3", endpoint_url=options["s3_endpoint"], region_name="us-east-1",
        aws_access_key_id=options["s3_access_key"], aws_secret_access_key=options["s3_secret_key"],
    ).create_bucket(Bucket="backups")  # fmt: skip
    store = backups.load("archive", {"backup_store": "s3://backups/a%20cloud", **options})
    volume, back, first, second = made(driver, 1, image), made(driver), samples.new_id(), samples.new_id()

    def disk(volume_id: str, *, readonly: bool = False) -> Disk:
        driver.close_export(volume_id, None)
        return Disk(driver.open_export(volume_id, ExportSpec("b1", readonly=readonly)).socket, "b1")

    whole = store.create_backup(BackupSpec(first, 1), disk(volume, readonly=True))
    driver.close_export(volume, None)
    write(driver, volume, "9")
    changes = store.create_backup(BackupSpec(second, 1, first), disk(volume, readonly=True))
    assert (whole.objects, changes.objects) == (1, 1)
    assert set(store.list_backups()) == {first, second}
    for backup, pattern in ((first, "7"), (second, "9")):
        store.restore_backup(backup, disk(back))
        driver.close_export(back, None)
        read(driver, back, pattern)
    for _ in range(2):
        for backup in (second, first):
            store.delete_backup(backup)
        assert (store.list_backups(), store.find_backup(first)) == ((), None)
    driver.close_export(volume, None)
    for wrong in ({"s3_secret_key": "no"}, {"s3_endpoint": "http://127.0.0.1:9"}, {"backup_store": "s3://none"}):
        bad = backups.load("archive", {"backup_store": "s3://backups", **options, **wrong})
        with pytest.raises(StoreUnavailable) as caught:
            bad.find_backup(first)
        assert "a secret of S3" not in f"{caught.value.message} {caught.value.details}"


@pytest.mark.heavy
def test_a_dead_monitor(cluster: ceph.CephCluster, tmp_path: Path, run_dir: Path) -> None:
    """Every call has a limit, and what was asked works once the monitor is back."""
    driver = driver_of(cluster, tmp_path, run_dir)
    volume = made(driver)
    driver.close()
    cluster.kill("mon")
    started = time.monotonic()
    with pytest.raises(PoolUnavailable):
        driver.list_volumes()
    assert time.monotonic() - started < 20
    cluster.start_monitor()
    driver.delete_volume(volume)
    driver.close()


@pytest.mark.heavy  # half a minute: three OSDs
def test_an_osd_is_killed_under_writes(tmp_path: Path, run_dir: Path) -> None:
    """Writes wait for a moment, and none fails; what was written is there."""
    with tempfile.TemporaryDirectory(prefix="cly-c", dir="/tmp") as path:
        three = ceph.CephCluster(Path(path))
        try:
            three.start(osds=3)
            driver = driver_of(three, tmp_path, run_dir)
            volume = made(driver)
            export = driver.open_export(volume, ExportSpec("writes"))
            argv = ["qemu-io", "-f", "raw", f"nbd+unix:///writes?socket={export.socket}"]
            for what in ("all", "two", "three again"):
                if what == "two":
                    three.kill("osd.1")
                elif what == "three again":
                    three.start_osd(1)
                began = time.monotonic()
                words = [f"write -q -P {block} {block}M 1M\nflush" for block in range(1, 60)]
                done = subprocess.run(argv, input="\n".join(words), capture_output=True, text=True, timeout=120)
                assert (done.returncode, "rror" in done.stdout + done.stderr) == (0, False), done.stdout[-500:]
                print(f"59 MiB on {what}: {time.monotonic() - began:.1f} s")
                for block in (1, 30, 59):
                    run(*argv[:1], "-r", *argv[1:], "-c", f"read -q -P {block} {block}M 1M")
            driver.close_export(volume, None)
            driver.delete_volume(volume)
            driver.close()
        finally:
            three.stop()


def test_no_access(cluster: ceph.CephCluster, tmp_path: Path, run_dir: Path) -> None:
    for options in ({"ceph_conf": tmp_path / "none"}, {"ceph_keyring": tmp_path / "none"}, {"ceph_pool": "none"}):
        driver = driver_of(cluster, tmp_path, run_dir, **options)
        with pytest.raises(PoolUnavailable):
            driver.pool()
