"""Removals in a Ceph pool that are cut short end, and what is others' stays, over a real cluster."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests import ceph
from tests.cloud import wait_for
from tests.unit.drivers import ceph_volumes, samples
from tests.unit.drivers.ceph_volumes import read, write
from tests.unit.drivers.local_volumes import run
from tests.unit.drivers.volume_contract import made
from workers.drivers.volume.base import ExportSpec, FromImage, FromSnapshot, FromVolume, VolumeSpec
from workers.drivers.volume.ceph import bases
from workers.drivers.volume.ceph.driver import CephVolumes
from workers.drivers.volume.errors import NotUnmanaged, PoolBusy, PoolUnavailable, VolumeInUse, VolumeTooSmall

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0 or bool(ceph.missing()), reason="needs root and Ceph"),
    pytest.mark.xdist_group("ceph"),
]
cluster, driver, image, run_dir = ceph_volumes.cluster, ceph_volumes.driver, ceph_volumes.image, ceph_volumes.run_dir


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
