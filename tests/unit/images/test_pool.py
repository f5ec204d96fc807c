"""The image store in a Ceph pool, over a real cluster: stored once, read in parts, removed with its last image."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction

from apps.images import attributes, exceptions, pool, pool_room
from apps.images.models import Image
from apps.images.selectors import blobs as selectors
from apps.images.services import blobs, images
from tests import ceph
from tests.callers import Caller
from tests.unit.images import samples
from tests.unit.images.test_filling import begin
from workers.drivers.storage import loader
from workers.mapping import images as mapping

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.getuid() != 0 or bool(ceph.missing()), reason="needs root and Ceph"),
    pytest.mark.xdist_group("ceph"),
    pytest.mark.heavy,
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[ceph.CephCluster]:
    with ceph.running() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def _store(cluster: ceph.CephCluster, settings: Any) -> None:
    settings.IMAGE_STORE, settings.CEPH_USER = ceph.POOL, ceph.USER
    settings.CEPH_CONF, settings.CEPH_KEYRING = str(cluster.conf), str(cluster.keyring)


def names(cluster: ceph.CephCluster) -> list[str]:
    return cluster.rbd("ls").split()


def test_a_content(
    cluster: ceph.CephCluster, alice: Caller, active: Callable[..., Any], image_dir: Path, settings: Any
) -> None:
    data = samples.qcow2() + b"\0" * 100  # of no whole sector
    first, second = active(alice, data), active(alice, data)
    name = pool.name_of(first["os_hash_value"])
    assert names(cluster) == [name]
    assert not list((image_dir / "blobs").iterdir()) + list((image_dir / "staging").iterdir())
    path = f"/v2/images/{first['id']}/file"
    response = alice.call("get", path, **{"celerity.front": True})  # which cannot send it by itself
    assert (b"".join(response.streaming_content), response["Content-Length"]) == (data, str(len(data)))
    for header, part in (("bytes=0-9", data[:10]), ("bytes=-5", data[-5:])):
        response = alice.call("get", path, HTTP_RANGE=header)
        assert (response.status_code, b"".join(response.streaming_content)) == (206, part)
    url = selectors.signed_url_of(sha512=first["os_hash_value"])
    response = alice.call("get", url.partition("/image")[2])
    assert b"".join(response.streaming_content) == data
    assert selectors.damaged() == []
    assert alice.delete(f"/v2/images/{first['id']}").status_code == 204
    assert names(cluster) == [name]
    cluster.rbd("clone", "--rbd-default-clone-format", "2", f"{name}@base", f"{ceph.POOL}/clone")
    assert alice.delete(f"/v2/images/{second['id']}").status_code == 204
    assert names(cluster) == ["clone"]
    pool.empty_trash()
    assert cluster.rbd("trash", "ls") != ""
    cluster.rbd("rm", "--no-progress", "clone")
    pool.empty_trash()
    assert cluster.rbd("trash", "ls").strip() == ""


def test_what_is_left(cluster: ceph.CephCluster, alice: Caller, active: Callable[..., Any], tmp_path: Path) -> None:
    """Of killed uploads and of removals that could not be: only what is this cloud's goes, and nothing that is held."""
    image = active(alice, samples.qcow2())
    whole, held = pool.name_of(image["os_hash_value"]), uuid.uuid4()
    (tmp_path / "data").write_bytes(b"x" * 512)
    pool.bring(tmp_path / "data", uuid.uuid4())
    kept = pool.bring(tmp_path / "data", held)
    going = pool.bring(tmp_path / "data", uuid.uuid4())
    cluster.rbd("snap", "purge", "--no-progress", going)
    cut_short = cluster.cut_removal(going)
    others = ["incoming-0123456789ab-1", f"content-{'0' * 64}", f"content-0123456789ab-{'0' * 64}"]
    for name in (*others, pool.name_of("1" * 128)):  # the last: of a transaction that did not end
        cluster.rbd("import", "--no-progress", str(tmp_path / "data"), name)
        cluster.rbd("snap", "create", "--no-progress", f"{name}@base")
    common = active(alice, os.urandom(1024), disk_format="raw")  # of before names had the cloud in them
    others.append(f"content-{common['os_hash_value'][:64]}")
    cluster.rbd("rename", pool.name_of(common["os_hash_value"]), others[-1])
    holder = connections.create_connection("default")
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"images.upload:{held}"])
        cluster.rbd("create", "--size", "1M", pool.name_of("2" * 128))  # of a removal that was cut off
        assert blobs.drop_orphans() == ["1" * 64, "2" * 64]
        assert sorted(names(cluster)) == sorted([whole, kept, *others]) and cut_short not in cluster.rados("ls")
        response = alice.call("get", f"/v2/images/{common['id']}/file")
        assert len(b"".join(response.streaming_content)) == 1024 and selectors.damaged() == []
    finally:
        holder.close()
    Image.objects.filter(id__in=(image["id"], common["id"])).update(deleted_at="2026-01-01T00:00Z")
    assert blobs.drop_orphans() == [image["os_hash_value"][:64]]
    assert sorted(names(cluster)) == sorted(others)
    for name in others:
        cluster.rbd("snap", "purge", "--no-progress", name)
        cluster.rbd("rm", "--no-progress", name)


@pytest.mark.parametrize(
    ("total", "stats", "room"),
    [
        (0, {"max_avail": 0, "stored": 0}, pool_room.NEVER),  # no manager
        (0, {"max_avail": 0, "stored": 0, "quota_bytes": 5}, 5),
        (9, {"max_avail": 0, "stored": 9}, 0),
        (9, {"max_avail": 0, "stored": 1, "quota_bytes": 5}, 0),
        (9, {"max_avail": 8, "stored": 1, "quota_bytes": 5}, 4),
    ],
)
def test_room(monkeypatch: Any, total: int, stats: dict[str, int], room: int) -> None:
    """A full cluster has none; one of which nobody counts has much."""
    answer = {"stats": {"total_bytes": total}, "pools": [{"name": ceph.POOL, "stats": stats}]}
    monkeypatch.setattr(pool, "run", lambda argv, seconds: json.dumps(answer))
    assert pool_room._ask_room() == room


def test_damage_and_silence(
    cluster: ceph.CephCluster, alice: Caller, active: Callable[..., Any], create: Any, put: Any, monkeypatch: Any
) -> None:
    image = active(alice, samples.qcow2())
    pool.drop(image["os_hash_value"])
    assert [what for what, _ in selectors.damaged()] == [image["os_hash_value"]]
    assert alice.get(f"/v2/images/{image['id']}/file").status_code == 404

    def silent(argv: list[str], **_: Any) -> Any:
        raise subprocess.TimeoutExpired(argv, 1)

    pool_room.room()
    monkeypatch.setattr(pool.subprocess, "run", silent)
    monkeypatch.setattr(pool_room, "ROOM_SECONDS", 0)
    assert pool_room.room(patient=True) > 0
    with pytest.raises(exceptions.StoreUnavailable):
        pool_room.room()
    assert selectors.damaged() == [] and blobs.drop_orphans() == []
    assert alice.get(f"/v2/images/{image['id']}/file").status_code == 503
    waiting = create(alice)
    assert put(alice, waiting["id"], samples.qcow2()).status_code == 503
    assert alice.get(f"/v2/images/{waiting['id']}").json()["status"] == "queued"


def test_a_full_cluster(
    cluster: ceph.CephCluster, alice: Caller, active: Callable[..., Any], create: Any, put: Any, tmp_path: Path,
    monkeypatch: Any,
) -> None:  # fmt: skip
    """An upload is refused, and an image is deleted all the same, which gives room."""
    monkeypatch.setattr(pool, "_LIMITS", ("--rados-osd-op-timeout", "3"))
    image, data = active(alice, samples.qcow2()), tmp_path / "data"
    with data.open("wb") as file:
        file.write(b"7" * (128 << 20))
    cluster.rbd("import", "--no-progress", str(data), "large")
    cluster.be_full(0.02)
    try:
        waiting = create(alice)
        assert put(alice, waiting["id"], samples.qcow2() + b"7").status_code == 503
        assert alice.get(f"/v2/images/{waiting['id']}").json()["status"] == "queued"
        assert alice.delete(f"/v2/images/{image['id']}").status_code == 204
        assert [name for name in names(cluster) if not name.startswith("incoming-")] == ["large"]
    finally:
        cluster.rbd("rm", "--no-progress", "large")
        cluster.be_full(1)
    blobs.drop_orphans()
    assert names(cluster) == []
    assert put(alice, waiting["id"], samples.qcow2() + b"7").status_code == 204
    assert alice.delete(f"/v2/images/{waiting['id']}").status_code == 204


def test_an_image_of_a_servers_disk(cluster: ceph.CephCluster, alice: Caller, monkeypatch: Any) -> None:
    """It is a clone, which nobody has read: it has no hash. A disk with much below it is read: a clone keeps all."""
    disk = f"disk-{uuid.uuid4()}-root"
    cluster.rbd("create", "--size", "1M", disk)
    cluster.rbd("snap", "create", "--no-progress", f"{disk}@copied")
    with transaction.atomic():
        image, run = begin(alice)
    facts = {"image_id": image.id, "run_id": run.id, "spec": f"{ceph.POOL}/{disk}@copied"}
    assert not images.may_be_clone(**{**facts, "spec": f"{facts['spec']}-not"}) and images.may_be_clone(**facts)
    settle = pool.settle
    monkeypatch.setattr(pool, "settle", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        images.fill_with_clone(**facts)
    assert names(cluster) == [disk] and Image.objects.get(id=image.id).charged == 0
    monkeypatch.setattr(pool, "settle", settle)
    for _ in range(2):
        images.fill_with_clone(**facts)
    shown = alice.get(f"/v2/images/{image.id}").json()
    assert (shown["status"], shown["disk_format"], shown["size"]) == ("active", "raw", 1 << 20)
    assert (shown["checksum"], shown["os_hash_algo"], shown["os_hash_value"]) == (None, None, None)
    [content] = [name for name in names(cluster) if name.startswith("content-")]
    assert json.loads(cluster.rbd("info", "--format", "json", content))["parent"]["image"] == disk
    response = alice.call("get", f"/v2/images/{image.id}/file")
    assert b"".join(response.streaming_content) == b"\0" * (1 << 20) and "Content-MD5" not in response
    assert (selectors.damaged(), blobs.drop_orphans()) == ([], [])
    cluster.rbd("clone", "--rbd-default-clone-format", "2", f"{content}@base", f"{ceph.POOL}/{disk}-2")
    assert pool.is_shallow(f"{ceph.POOL}/{disk}-2")
    monkeypatch.setattr(pool, "DEEPEST", 2)
    assert not pool.is_shallow(f"{ceph.POOL}/{disk}-2")
    monkeypatch.undo()
    opened = selectors.opened(image.os_hash_value or attributes.unhashed(image.id))[0]
    opened.seek(10)
    assert alice.delete(f"/v2/images/{image.id}").status_code == 204
    with pytest.raises(OSError, match="the pool gave"):  # it went meanwhile: what would be read is nobody's word
        opened.read()
    opened.close()
    assert not pool.is_shallow(f"{ceph.POOL}/{disk}-2") and names(cluster) == [disk, f"{disk}-2"]
    cluster.rbd("rm", "--no-progress", f"{disk}-2")
    pool.empty_trash()
    cluster.rbd("snap", "rm", "--no-progress", f"{disk}@copied")
    cluster.rbd("rm", "--no-progress", disk)
    assert cluster.rbd("trash", "ls").strip() == ""


def test_a_server_of_an_image_of_a_server(
    cluster: ceph.CephCluster, alice: Caller, active: Callable[..., Any], tmp_path: Path
) -> None:
    """Shelved: the disk goes while its image is there, and another host makes a disk of that. Nothing is left of it."""
    data, server, again = os.urandom(1 << 20), str(uuid.uuid4()), str(uuid.uuid4())
    options = {"state_dir": tmp_path / "one", "host": "one", "run_dir": tmp_path, "cloud": "this", **cluster.options}
    host = loader.load("ceph", options)
    first = Image.objects.get(id=active(alice, data, disk_format="raw")["id"])
    host.create_root(server, host.cache_image(*mapping.of_image(first)), 1)
    host.prepare_snapshot(server)
    host.mark_root(server)
    with transaction.atomic():
        image, run = begin(alice)
    images.fill_with_clone(image_id=image.id, run_id=run.id, spec=host.marked_root(server))
    host.remove_snapshot(server)
    assert host.marked_root(server) == ""
    host.remove_server(server)
    host.delete_disks(server)
    image.refresh_from_db()
    root = host.create_root(again, host.cache_image(*mapping.of_image(image)), 1)
    assert root.path == f"{ceph.POOL}/disk-{again}-root"
    response = alice.call("get", f"/v2/images/{image.id}/file", HTTP_RANGE=f"bytes=0-{len(data) - 1}")
    assert b"".join(response.streaming_content) == data
    for key in (first.id, image.id):
        assert alice.delete(f"/v2/images/{key}").status_code == 204
    assert names(cluster) == [f"disk-{again}-root"]
    host.delete_disks(again)
    for _ in range(3):  # each layer goes once nothing is a clone of it
        host.residue(remove=True)
        pool.empty_trash()
    assert (names(cluster), cluster.rbd("trash", "ls").strip()) == ([], "")
    host.close()
