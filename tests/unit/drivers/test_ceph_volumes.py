"""Volumes in a Ceph cluster keep the contract, over a real one. Needs Ceph's daemons, which root runs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests import ceph
from tests.cloud import wait_for
from tests.unit.drivers import samples
from tests.unit.drivers.test_local_volumes import run
from tests.unit.drivers.volume_contract import VolumeContract, info_of, made
from workers.drivers.backup import loader as backups
from workers.drivers.backup.base import BackupSpec, Disk
from workers.drivers.backup.errors import StoreUnavailable
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import (
    ExportSpec,
    FromImage,
    FromSnapshot,
    FromVolume,
    Unmanaged,
    VolumeInfo,
    VolumeSpec,
)
from workers.drivers.volume.ceph import bases
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


@pytest.fixture(scope="module")
def cluster() -> Iterator[ceph.CephCluster]:
    with ceph.running() as cluster:
        yield cluster


@pytest.fixture
def run_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cly-v", dir="/tmp") as path:
        yield Path(path)


def driver_of(cluster: ceph.CephCluster, state: Path, run_dir: Path, **options: Any) -> CephVolumes:
    base = {"state_dir": state, "run_dir": run_dir, "reserved_gib": 0, "host": run_dir.name}
    driver = volumes.load("ceph", {**base, **cluster.options, **options})
    assert isinstance(driver, CephVolumes)
    return driver


@pytest.fixture
def driver(cluster: ceph.CephCluster, tmp_path: Path, run_dir: Path) -> Iterator[CephVolumes]:
    driver = driver_of(cluster, tmp_path, run_dir)
    yield driver
    for export in driver.list_exports():
        driver.close_export(export.volume_id, None)
    for info in reversed(driver.list_volumes()):
        driver.delete_volume(info.id)
    assert driver.residue(remove=True) == ()
    driver.close()
    assert not [path for path in run_dir.glob("*/*") if path.parent.name != "other"]


@pytest.fixture
def image(tmp_path: Path) -> FromImage:
    path = tmp_path / (samples.new_id().replace("-", "") * 4)
    run("qemu-img", "create", "-q", "-f", "qcow2", path, "16M")
    run("qemu-io", "-f", "qcow2", "-c", "write -q -P 7 0 1M", path)
    return FromImage(str(path), "qcow2", 16 << 20)


class TestCeph(VolumeContract):
    """The contract."""


def read(driver: CephVolumes, volume: str, pattern: str) -> None:
    """A volume's first MiB has this byte."""
    export = driver.open_export(volume, ExportSpec("check", readonly=True))
    run("qemu-io", "-r", "-f", "raw", "-c", f"read -q -P {pattern} 0 1M", f"nbd+unix:///check?socket={export.socket}")
    driver.close_export(volume, "check")


def write(driver: CephVolumes, volume: str, pattern: str) -> None:
    export = driver.open_export(volume, ExportSpec("write"))
    run("qemu-io", "-f", "raw", "-c", f"write -q -P {pattern} 0 1M", f"nbd+unix:///write?socket={export.socket}")
    driver.close_export(volume, "write")


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


def test_a_copy_that_was_cut_short(cluster: ceph.CephCluster, driver: CephVolumes) -> None:
    """Its snapshot is there: the copy succeeds when it is asked for again."""
    volume, copy = made(driver), VolumeSpec(samples.new_id(), 1)
    cluster.rbd("snap", "create", f"volume-{volume}@new-{copy.id}")
    driver.create_volume(copy, FromVolume(volume))


def test_images_of_others(cluster: ceph.CephCluster, driver: CephVolumes) -> None:
    """What another cloud, or an operator, has in the pool stays, whatever it is called."""
    others = [f"new-{samples.new_id()}", "new-work", f"volume-{samples.new_id()}", f"image-{'a' * 32}"]
    for name in others:
        cluster.rbd("create", "--size", "1", name)
    cluster.rbd("trash", "mv", "--expires-at", "2 hours", others[2])
    others[2] = f"volume-{samples.new_id()}"
    cluster.rbd("create", "--size", "1", others[2])
    cluster.rbd("trash", "mv", others[2])
    assert driver.residue(remove=True) == ()
    kept = cluster.rbd("ls") + cluster.rbd("trash", "ls")
    assert [name for name in others if name not in kept] == []
    for name in (others[0], others[1], others[3]):
        cluster.rbd("rm", "--no-progress", name)


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


OPENS = """
import sys, rados, rbd
with rados.Rados(conffile=sys.argv[1], name="client.admin") as cluster, cluster.open_ioctx(sys.argv[2]) as pool:
    with rbd.Image(pool, sys.argv[3]):
        print("open", flush=True)
        sys.stdin.read()
"""


@pytest.mark.heavy  # it waits for locks
def test_an_image_that_others_work_with(cluster: ceph.CephCluster, driver: CephVolumes) -> None:
    """One that a client has open, or another host takes over or releases, stays as it is."""
    name, spec, other = "unmanaged-disk", VolumeSpec(samples.new_id(), 2), made(driver)
    cluster.rbd("create", "--size", "2G", name)
    argv = ["/usr/bin/python3", "-c", OPENS, str(cluster.conf), ceph.POOL, name]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None and client.stdout.readline() == "open\n"
        with pytest.raises(VolumeInUse, match="A client of the storage cluster has the volume open"):
            driver.adopt_volume(spec, "disk")
        client.communicate("")
    cluster.rados("lock", "get", f"celerity_lock.{name}", "celerity", "--lock-cookie", "", "--lock-duration", "60")
    with pytest.raises(PoolBusy):
        driver.adopt_volume(spec, "disk")
    with pytest.raises(PoolBusy):
        driver.release_volume(other, "disk")
    assert [item.reference for item in driver.list_unmanaged()] == ["disk"]
    assert [info.id for info in driver.list_volumes()] == [other]
    cluster.rados("rm", f"celerity_lock.{name}")
    for size, reference, refused in ((1, "disk", VolumeTooSmall), (1, "none", NotUnmanaged)):
        with pytest.raises(refused):
            driver.adopt_volume(replace(spec, size_gib=size), reference)
    assert "celerity_lock.unmanaged" not in cluster.rados("ls")
    assert "celerity" not in cluster.rbd("image-meta", "ls", name)
    driver.adopt_volume(spec, "disk")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_amid_renaming(cluster: ceph.CephCluster, driver: CephVolumes, tmp_path: Path, moment: str) -> None:
    """An image has two names for a moment, before and after the pool's directory is changed. The directory's counts: a
    volume that it does not have is made from the beginning.
    """
    volume, gone, path = VolumeSpec(samples.new_id(), 1), VolumeSpec(samples.new_id(), 1), tmp_path / "id"
    for spec in (volume, gone):
        driver.create_volume(spec)
        write(driver, spec.id, "7")
        names = [f"volume-{spec.id}", f"new-{spec.id}"]
        if moment == "before":
            cluster.rbd("rename", *names)
            names.reverse()
        cluster.rados("get", f"rbd_id.{names[0]}", str(path))
        cluster.rados("put", f"rbd_id.{names[1]}", str(path))
    driver.create_volume(volume)
    assert driver.residue(remove=True) == ()
    read(driver, volume.id, "0" if moment == "before" else "7")
    for spec in (volume, gone):
        driver.delete_volume(spec.id)
        assert spec.id not in cluster.rados("ls")


def test_a_kill_amid_a_removal_with_clones(cluster: ceph.CephCluster, driver: CephVolumes) -> None:
    """The directory has the name, and the trash the image: the removal is ended, and the clone keeps its content."""
    volume, snapshot = made(driver), samples.new_id()
    write(driver, volume, "7")
    driver.create_snapshot(volume, snapshot)
    clone = made(driver, 1, FromSnapshot(volume, snapshot))
    cluster.rbd("snap", "rm", "--no-progress", f"volume-{volume}@snapshot-{snapshot}")
    cluster.cut_removal(f"volume-{volume}", listed=True)
    assert driver.has(volume)
    for _ in range(2):
        driver.delete_volume(volume)
        assert (driver.has(volume), [info.id for info in driver.list_volumes()]) == (False, [clone])
    read(driver, clone, "7")
    cluster.rbd("flatten", "--no-progress", f"volume-{clone}")
    assert driver.residue(remove=True) == () and volume not in cluster.rbd("ls")
    read(driver, clone, "7")


@pytest.mark.heavy
@pytest.mark.parametrize("moment", ["leaving", "not whole", "no header"])
def test_what_a_kill_amid_a_removal_left_is_made_again(
    cluster: ceph.CephCluster, driver: CephVolumes, image: FromImage, moment: str
) -> None:
    """An image that volumes are clones of, whose removal was cut short, is copied again; so is a volume made again."""
    driver.delete_volume(made(driver, 1, image))
    spec, base = VolumeSpec(made(driver), 1), f"image-{bases.key_of(image)}"
    write(driver, spec.id, "7")
    if moment == "leaving":
        cluster.rbd("snap", "rm", "--no-progress", f"{base}@base")
        cluster.cut_removal(base, listed=True)
        cluster.cut_removal(f"volume-{spec.id}", listed=True)
    elif moment == "not whole":
        cluster.rbd("snap", "rm", "--no-progress", f"{base}@base")
        driver.delete_volume(spec.id)
    else:
        key = json.loads(cluster.rbd("info", "--format", "json", f"volume-{spec.id}"))["id"]
        cluster.rados("rm", f"rbd_header.{key}")
        with pytest.raises(PoolUnavailable):  # the data is lost
            driver.create_volume(spec)
        driver.delete_volume(spec.id)
    driver.create_volume(spec)
    read(driver, spec.id, "0")
    read(driver, made(driver, 1, image), "7")
    assert not driver.copies(VolumeSpec(samples.new_id(), 1), image)


@pytest.mark.parametrize(("source", "state"), [(3, 0), (3, 1)])
def test_removals_that_nobody_asks_for_again(
    cluster: ceph.CephCluster, driver: CephVolumes, source: int, state: int
) -> None:
    """The names have gone, and the data is in the trash, where librbd does not list all of it."""
    do, server, new, volume = driver._cluster.do, samples.new_id(), samples.new_id(), made(driver)
    do("make_disk", server=server, name="root", size=1 << 30, source={}, form="raw")
    do("begin_base", new=new, size=1 << 30)
    do("begin_base", new=server, size=1 << 30)
    do("end_base", key="a" * 32, new=server, whole=True)
    names = [f"volume-{volume}", f"disk-{server}-root", f"new-{new}", f"image-{'a' * 32}"]
    for name in names:
        run("qemu-io", "-f", "raw", "-c", "write -q 0 64k", driver._cluster.url(name))
    cluster.rbd("snap", "rm", "--no-progress", f"{names[-1]}@base")
    keys = [cluster.cut_removal(name, source=source, state=state) for name in names]
    driver.create_volume(VolumeSpec(volume, 1))  # under the same id
    for key in keys:
        assert f"rbd_data.{key}" in cluster.rados("ls")
    assert driver.residue(remove=True) == ()
    objects = cluster.rados("ls")
    assert [key for key in keys if key in objects] == []
    read(driver, volume, "0")


@pytest.mark.parametrize("case", ["no size", "parent lost", "no header"])
def test_what_nobody_can_open_in_the_trash(cluster: ceph.CephCluster, driver: CephVolumes, case: str) -> None:
    """librbd says of it that it is not there. Another client's stays, with its data and its state; this cloud's goes
    where its data can go with it, and where the header says that it is this cloud's.
    """
    ours, theirs, parent, keys = made(driver), samples.new_id(), f"theirs-{samples.new_id()}", []
    driver.delete_volume(ours)
    cluster.rbd("create", "--size", "8M", parent)
    cluster.rbd("snap", "create", "--no-progress", f"{parent}@s")
    for volume in (ours, theirs):
        name = f"volume-{volume}"
        clone = ("clone", "--rbd-default-clone-format", "2", f"{ceph.POOL}/{parent}@s", f"{ceph.POOL}/{name}")
        cluster.rbd(*(clone if case == "parent lost" else ("create", "--size", "8M", name)))
        run("qemu-io", "-f", "raw", "-c", "write -q 0 64k", driver._cluster.url(name))
        if volume == ours:
            cluster.rbd("image-meta", "set", name, "celerity", "celerity")
        keys.append(cluster.cut_removal(name, source=0, state=int(case == "no size")))
        if case == "no size":
            cluster.rados("rmomapkey", f"rbd_header.{keys[-1]}", "size")
        elif case == "no header":
            cluster.rados("rm", f"rbd_header.{keys[-1]}")
    header = json.loads(cluster.rbd("info", "--format", "json", parent))["id"]
    if case == "parent lost":
        cluster.rados("rm", f"rbd_header.{header}")
    kept = keys[1:] if case == "parent lost" else keys
    before = [cluster.rados("getomapval", "rbd_trash", f"id_{key}") for key in kept]
    assert driver.residue(remove=True) == ()
    objects = cluster.rados("ls")
    assert [f"rbd_data.{key}" in objects for key in keys] == [case != "parent lost", True]
    assert [cluster.rados("getomapval", "rbd_trash", f"id_{key}") for key in kept] == before
    for key in kept:
        cluster.rados("rmomapkey", "rbd_trash", f"id_{key}")
    if case == "parent lost":
        cluster.rados("rm", f"rbd_id.{parent}")
        for note in (f"name_{parent}", f"id_{header}"):
            cluster.rados("rmomapkey", "rbd_directory", note)
    else:
        cluster.rbd("snap", "purge", "--no-progress", parent)
        cluster.rbd("rm", "--no-progress", parent)


def test_a_disk_whose_removal_only_recovery_ends(cluster: ceph.CephCluster, driver: CephVolumes) -> None:
    """It is this cloud's also when it is on its way to the trash. Lists come in parts as short as the cluster likes."""
    do, server = driver._cluster.do, samples.new_id()
    cluster.ask("config", "set", "osd", "osd_max_omap_entries_per_request", "2")
    try:
        do("make_disk", server=server, name="root", size=1 << 30, source={}, form="raw")
        others = sorted(made(driver) for _ in range(3))
        assert sorted(info.id for info in driver.list_volumes()) == others
    finally:
        cluster.ask("config", "rm", "osd", "osd_max_omap_entries_per_request")
    key = cluster.cut_removal(f"disk-{server}-root", listed=True, state=1, source=0)
    assert do("is_ours", server=server) and server in do("servers_with_disks")
    do("drop_disks", server=server, hours=1)
    assert key not in cluster.rados("ls") and not do("is_ours", server=server)


@pytest.mark.heavy  # half a minute: the cluster waits for the client that was killed
def test_a_kill_amid_a_removal(cluster: ceph.CephCluster, driver: CephVolumes) -> None:
    """librbd takes the name away before it removes the data: asked again, the driver ends that."""
    volume = made(driver, 4)
    image = json.loads(cluster.rbd("info", "--format", "json", f"volume-{volume}"))["id"]
    export = driver.open_export(volume, ExportSpec("write"))
    writes = "\n".join(f"write -q {4 * number}M 4k" for number in range(1024))
    argv = ["qemu-io", "-f", "raw", f"nbd+unix:///write?socket={export.socket}"]
    subprocess.run(argv, input=writes, text=True, check=True, timeout=60, capture_output=True)
    driver.close_export(volume, "write")
    removing = subprocess.Popen(
        ["rbd", "--conf", str(cluster.conf), "--pool", ceph.POOL, "rm", "--no-progress", f"volume-{volume}"],
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: driver.list_volumes() == (), what="the name gone")
    removing.kill()
    removing.wait()
    assert f"rbd_data.{image}" in cluster.rados("ls"), "it was killed too late to tell anything"
    driver.delete_volume(volume)
    assert image not in cluster.rados("ls")


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
