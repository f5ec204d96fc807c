"""Servers' disks in a Ceph cluster, over a real one: clones, moves without a copy, fences. Root runs its daemons."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from tests import ceph
from tests.unit.drivers import samples
from tests.unit.drivers.test_local_volumes import run
from workers.drivers.storage import loader
from workers.drivers.storage.base import CachedImage, Disk, ImageSource, ImageSpec, ServerSource
from workers.drivers.storage.ceph import moves
from workers.drivers.storage.ceph.driver import CephStorage, key_of
from workers.drivers.storage.errors import (
    DiskTooSmall,
    FilesMissing,
    ImageUnavailable,
    StorageUnavailable,
)

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0 or bool(ceph.missing()), reason="needs root and Ceph"),
    pytest.mark.xdist_group("ceph"),
    pytest.mark.heavy,
]
GIB = 1 << 30


@pytest.fixture(scope="module")
def cluster() -> Iterator[ceph.CephCluster]:
    with ceph.running() as cluster:
        yield cluster


@pytest.fixture
def hosts(cluster: ceph.CephCluster, tmp_path: Path) -> Iterator[list[CephStorage]]:
    """Two hosts of one cloud. At the end the pool has nothing of a server."""
    made = []
    for name in ("one", "two"):
        options = {
            "state_dir": tmp_path / name,
            "host": name,
            "reserved_gib": 0,
            "run_dir": tmp_path,
            **cluster.options,
        }
        driver = loader.load("ceph", {**options, **cluster.options})
        assert isinstance(driver, CephStorage)
        made.append(driver)
    yield made
    for server in made[0].list_disks():
        made[0].delete_disks(server)
    assert [name for name in cluster.rbd("ls").split() if not name.startswith("image-")] == []
    assert cluster.rbd("trash", "ls").strip() == ""
    assert made[0].list_kept() == made[1].list_kept() == ()
    for driver in made:
        assert driver.residue(remove=True) == ()
        driver.close()


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a server come from its host: here, none."""
    monkeypatch.setattr(moves, "Receiver", lambda *_: SimpleNamespace(head=[], close=lambda: None))
    monkeypatch.setattr(moves.transfers, "context", lambda *_, **__: None)


@pytest.fixture
def cached(hosts: list[CephStorage], tmp_path: Path) -> CachedImage:
    image, source = image_of(tmp_path / "image.qcow2")
    return hosts[0].cache_image(image, source)


def image_of(path: Path, form: str = "qcow2") -> tuple[ImageSpec, ImageSource]:
    """An image of 16 MiB whose first MiB is full of sevens."""
    run("qemu-img", "create", "-q", "-f", form, path, "16M")
    run("qemu-io", "-f", form, "-c", "write -q -P 7 0 1M", path)
    data = path.read_bytes()
    spec = ImageSpec(samples.new_id(), hashlib.sha512(data).hexdigest(), len(data), form, 16 << 20)
    return spec, ImageSource(path.as_uri())


def io(driver: CephStorage, disk: Disk, command: str, *more: str) -> None:
    url = driver.pool.url(disk.path.partition("/")[2])
    run("qemu-io", "-f", "raw", *more, "-c", command, url)


def has(driver: CephStorage, disk: Disk, pattern: str) -> None:
    io(driver, disk, f"read -q -P {pattern} 0 1M", "-r")


def test_disks(hosts: list[CephStorage], cached: CachedImage, cluster: ceph.CephCluster) -> None:
    one, server = hosts[0], samples.new_id()
    assert (cached.format, cached.virtual_size) == ("raw", 16 << 20)
    assert one.list_images() == ()  # the file went
    assert hosts[1].has_image(cached.sha512)
    for _ in range(2):
        root = one.create_root(server, cached, 1)
        assert (root.format, root.size_bytes, root.in_pool) == ("raw", GIB, True)
        extra, swap = one.create_ephemeral(server, 0, 1), one.create_swap(server, 64)
        rescue = one.create_rescue(server, cached)
        io(one, root, "write -q -P 9 0 1M") if one.root(server) == root else None
    assert (extra.size_bytes, swap.size_bytes, rescue.size_bytes) == (GIB, 64 << 20, 16 << 20)
    parent = cluster.rbd("info", root.path.partition("/")[2])
    assert f"parent: volumes/image-{key_of(cached.sha512)}@base" in parent
    has(one, root, "9")
    has(one, rescue, "7")
    found = one.guest_disk(extra)
    assert (found.pool, found.image) == ("volumes", f"disk-{server}-ephemeral0")
    assert found.key not in repr(found)
    assert subprocess.run(
        ["blkid", "-p", "-o", "value", "-s", "LABEL", exported(one, extra)], capture_output=True, text=True, check=False
    ).stdout.split() == ["ephemeral0"]
    assert (one.list_servers(), one.list_disks(), hosts[1].list_servers()) == ((server,), (server,), ())
    for _ in range(2):
        one.remove_disk(server, "rescue")
    with pytest.raises(DiskTooSmall):
        one.create_root(samples.new_id(), None, 0)
    gone = CachedImage(f"volumes/image-{'0' * 32}", "raw", 1 << 20, "0" * 128)
    with pytest.raises(ImageUnavailable):
        one.create_root(nobody := samples.new_id(), gone, 1)
    assert nobody not in one.list_disks()
    snapshot = one.snapshot_root(server)
    one.mark_root(server)
    io(one, root, "write -q -P 1 0 1M")
    one.snapshot_root(server)  # as it was when it was marked
    run("qemu-io", "-r", "-f", "qcow2", "-c", "read -q -P 9 0 1M", snapshot.path)
    one.remove_server(server)
    assert one.list_disks() == (server,)  # another host may have them now
    for _ in range(2):
        hosts[1].delete_disks(server)
    assert one.list_disks() == ()


def exported(driver: CephStorage, disk: Disk) -> str:
    """A disk's first MiB, as a file."""
    target = driver.paths.root / "exported"
    run("qemu-img", "dd", "-f", "raw", "-O", "raw", "bs=1M", "count=1",
        f"if={driver.pool.url(disk.path.partition('/')[2])}", f"of={target}")  # fmt: skip
    return str(target)


def test_moves_copy_nothing(hosts: list[CephStorage], cached: CachedImage, cluster: ceph.CephCluster) -> None:
    (one, two), server, stop = hosts, samples.new_id(), Event()
    root = one.create_root(server, cached, 1)
    one.create_swap(server, 8)
    io(one, root, "write -q -P 1 0 1M")
    for _ in range(2):
        two.receive_server(server, ServerSource("one", "http://127.0.0.1:9"), stop)
    assert (one.list_kept(), two.list_kept(), two.root(server)) == ((server,), (), root)
    two.grow_disk(server, "root", 2)
    io(two, root, "write -q -P 2 0 1M")
    two.create_ephemeral(server, 0, 1)
    for _ in range(2):
        one.return_server(server)
    has(one, root, "1")
    assert one.root(server).size_bytes == GIB
    assert cluster.rbd("ls").split().count(f"disk-{server}-ephemeral0") == 0
    assert one.list_kept() == ()
    two.remove_server(server)
    one.keep_server(server, stop)
    io(one, root, "write -q -P 3 0 1M")
    for _ in range(2):
        one.forget_kept(server)
    one.return_server(server)
    has(one, root, "3")
    one.keep_server(server, stop)
    cluster.rados("rmomapkey", "celerity_kept.celerity", server)  # a note that is lost: its snapshot is no later move's
    io(one, root, "write -q -P 4 0 1M")
    one.keep_server(server, stop)
    io(one, root, "write -q -P 5 0 1M")
    one.return_server(server)
    has(one, root, "4")


def test_a_lost_host_is_fenced(hosts: list[CephStorage], cached: CachedImage) -> None:
    """Its guest writes no more, once another host has taken the disks: the content is what it was then."""
    (one, two), server = hosts, samples.new_id()
    root = one.create_root(server, cached, 1)
    url = one.pool.url(root.path.partition("/")[2])
    guest = subprocess.Popen(
        ["qemu-io", "-f", "raw", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert guest.stdin is not None
        assert guest.stdout is not None
        guest.stdin.write("write -P 5 0 1M\nflush\n")
        guest.stdin.flush()
        while "wrote" not in guest.stdout.readline():
            pass
        with pytest.raises(FilesMissing):
            two.root(server)
        assert two.take_disks(server)
        assert not two.take_disks(samples.new_id())
        has(two, two.root(server), "5")
        io(two, root, "write -q -P 6 0 1M")
        output, _ = guest.communicate("write -P 8 0 1M\nflush\nquit\n", timeout=60)
        assert "failed" in output
        has(two, root, "6")
    finally:
        guest.kill()


def test_images_of_the_image_store(hosts: list[CephStorage], cluster: ceph.CephCluster, tmp_path: Path) -> None:
    """What is in the store's pool is not fetched: a raw image is the parent itself, another is converted once."""
    one = hosts[0]
    for form in ("raw", "qcow2"):
        image, _ = image_of(tmp_path / form, form)
        name = f"content-{image.sha512[:64]}"
        cluster.rbd("import", "--no-progress", str(tmp_path / form), name)
        cluster.rbd("snap", "create", "--no-progress", f"{name}@base")
        known = one.cache_image(image, ImageSource("http://127.0.0.1:9", in_pool=f"rbd://volumes/{name}"))
        root = one.create_root(server := samples.new_id(), known, 1)
        has(one, root, "7")
        one.delete_disks(server)
        assert (known.path == f"volumes/{name}") == (form == "raw")
        cluster.rbd("snap", "rm", "--no-progress", f"{name}@base")
        cluster.rbd("rm", "--no-progress", name)


def test_a_return_that_was_cut_off(hosts: list[CephStorage], cached: CachedImage, cluster: ceph.CephCluster) -> None:
    """The next operation on the disks ends it: no guest starts on half of it, and the copy is not forgotten before."""
    (one, two), server = hosts, samples.new_id()
    root = one.create_root(server, cached, 1)
    io(one, root, "write -q -P 1 0 1M")
    for end in (two.take_disks, one.root, one.forget_kept):
        one.keep_server(server, Event())
        io(one, root, "write -q -P 2 0 1M")
        note = '{"host": "one", "disks": ["root"], "returning": true}'
        cluster.rados("setomapval", "celerity_kept.celerity", server, note)
        end(server)
        has(one, root, "1")
        assert one.list_kept() == ()
    two.remove_server(server)


def test_a_disk_that_is_gone_is_not_made_again(
    hosts: list[CephStorage], cached: CachedImage, cluster: ceph.CephCluster, tmp_path: Path
) -> None:
    one, server = hosts[0], samples.new_id()
    root = one.create_root(server, cached, 1)
    cluster.rbd("rm", "--no-progress", root.path.partition("/")[2])
    assert one.missing_disks() == (server,)
    files = loader.load("local", {"state_dir": tmp_path / "one"})
    calls: list[Callable[[str], object]] = [
        one.root, files.root, lambda key: one.create_root(key, cached, 1), lambda key: files.create_root(key, None, 1),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(StorageUnavailable):
            call(server)
    one.remove_disk(server, "root")  # a rebuild
    one.create_root(server, cached, 1)


def test_a_disk_is_filled_before_it_is_there(hosts: list[CephStorage], monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that was cut off is made again from the begin: no swap without its signature."""
    one, server, do = hosts[0], samples.new_id(), hosts[0].pool.do

    def killed(what: str, **values: object) -> object:
        if what == "make_disk":
            raise StorageUnavailable("killed")
        return do(what, **values)

    monkeypatch.setattr(one.pool, "do", killed)
    with pytest.raises(StorageUnavailable):
        one.create_swap(server, 8)
    monkeypatch.undo()
    swap = one.create_swap(server, 8)
    assert b"SWAPSPACE2" in Path(exported(one, swap)).read_bytes()


def test_two_clouds_in_a_pool(
    hosts: list[CephStorage], cached: CachedImage, cluster: ceph.CephCluster, tmp_path: Path
) -> None:
    """What another cloud keeps, for a host of the same name, is not seen; a cloud knows its own by earlier names."""
    one, server = hosts[0], samples.new_id()
    one.create_root(server, cached, 1)
    one.keep_server(server, Event())
    options = {"state_dir": tmp_path / "other", "host": "one", "run_dir": tmp_path, **cluster.options}
    other, renamed = (loader.load("ceph", {**options, "cloud": cloud}) for cloud in ("another", "an-id celerity"))
    assert (other.list_kept(), other.owns_disks(server), renamed.owns_disks(server)) == ((), False, True)
    other.forget_kept(server)
    assert one.list_kept() == (server,)
    with pytest.raises(StorageUnavailable):
        other.delete_disks(server)
    one.forget_kept(server)
    renamed.delete_disks(server)
    for driver in (other, renamed):
        assert isinstance(driver, CephStorage)
        driver.close()


def test_servers_with_files_keep_files(hosts: list[CephStorage], tmp_path: Path) -> None:
    """Of before the pool: what they get besides is a file, too, and moves with the rest."""
    one, server = hosts[0], samples.new_id()
    loader.load("local", {"state_dir": tmp_path / "one"}).create_root(server, None, 1)
    assert not one.create_swap(server, 8).in_pool
    assert not one.create_ephemeral(server, 0, 1).in_pool
    assert one.pooled_disks(server) == ()


def test_what_is_anothers(hosts: list[CephStorage], cluster: ceph.CephCluster) -> None:
    name = f"disk-{(server := samples.new_id())}-root"
    cluster.rbd("create", "--size", "1", name)
    with pytest.raises(StorageUnavailable):
        hosts[0].delete_disks(server)
    cluster.rbd("rm", "--no-progress", name)


@pytest.mark.heavy  # a minute and a half: each call waits for its limit
def test_a_dead_monitor(hosts: list[CephStorage], cached: CachedImage, cluster: ceph.CephCluster) -> None:
    """Every call ends within its limit, and works once the monitor is back."""
    one, server, stop = hosts[0], samples.new_id(), Event()
    root = one.create_root(server, cached, 1)
    calls: list[tuple[str, Callable[[], object]]] = [
        ("usage", one.usage), ("list_disks", one.list_disks), ("root", lambda: one.root(server)),
        ("missing_disks", one.missing_disks), ("list_kept", one.list_kept),
        ("create_root", lambda: one.create_root(samples.new_id(), cached, 1)),
        ("guest_disk", lambda: one.guest_disk(root)), ("take_disks", lambda: one.take_disks(server)),
        ("keep_server", lambda: one.keep_server(server, stop)), ("return_server", lambda: one.return_server(server)),
        ("grow_disk", lambda: one.grow_disk(server, "root", 2)), ("mark_root", lambda: one.mark_root(server)),
        ("delete_disks", lambda: one.delete_disks(server)), ("residue", lambda: one.residue(remove=False)),
    ]  # fmt: skip
    one.close()  # processes that are connected go on without a monitor
    cluster.kill("mon")
    try:
        for name, call in calls:
            began = time.monotonic()
            with pytest.raises(StorageUnavailable):
                call()
            print(f"{name}: {time.monotonic() - began:.1f} s")
            assert time.monotonic() - began < 20, name
    finally:
        cluster.start_monitor()
    assert one.root(server) == root
    for missing in set(one.list_servers()) - {server}:
        one.remove_server(missing)


def test_no_access(hosts: list[CephStorage], cluster: ceph.CephCluster, tmp_path: Path) -> None:
    options = {"state_dir": tmp_path / "x", "run_dir": tmp_path / "x", **cluster.options, "ceph_keyring": "/nowhere"}
    driver = loader.load("ceph", options)
    with pytest.raises(StorageUnavailable):
        driver.usage()
