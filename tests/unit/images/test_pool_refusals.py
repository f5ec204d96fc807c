"""The image store in a Ceph pool, without a cluster: what a full pool refuses, quotas, and names of other clouds."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from apps.images import exceptions, pool, pool_room
from apps.images.models import Image
from apps.images.services import blobs, images
from tests.callers import Caller
from tests.unit.images.test_charges import limit
from tests.unit.images.test_filling import begin

pytestmark = pytest.mark.django_db
SPEC, SHA = "disks/disk-1@copied", "a" * 128
GIB = 1 << 30


class Rbd:
    """The program: its calls, what it refuses, and the images that it knows with their bytes (0: without a base)."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.refused: dict[str, type[Exception]] = {}
        self.images: dict[str, int] = {}

    def __call__(self, *words: str, seconds: int = 0) -> str:
        self.calls.append(tuple(word for word in words if not word.startswith("--")))
        if error := self.refused.get(words[0]):
            raise error
        if words[0] == "ls" and "-l" in words:
            rows = [{"image": name, "size": size} for name, size in self.images.items()]
            return json.dumps(rows + [{**row, "snapshot": "base"} for row in rows if row["size"]])
        if words[:2] == ("snap", "ls"):
            return json.dumps([{"name": name} for name in ("base", "copied") if self.images[words[-1]]])
        if words[0] == "clone":
            self.images[words[-1].partition("/")[2]] = self.images[words[-2].partition("@")[0]]
        if words[0] == "rename" and words[1] in self.images:
            self.images[words[2]] = self.images.pop(words[1])
        if words[0] == "rm":
            self.images.pop(words[-1], None)
        if words[0] == "info":
            if words[-1] not in self.images:
                raise pool._Absent
            return json.dumps({"size": self.images[words[-1]]})
        return "[]"

    def did(self, *words: str) -> bool:
        return any(call[: len(words)] == words for call in self.calls)


@pytest.fixture
def rbd(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Rbd:
    settings.IMAGE_STORE = "images"
    rbd = Rbd()
    monkeypatch.setattr(pool, "_rbd", rbd)
    monkeypatch.setattr(pool, "_make_trash", lambda: None)
    monkeypatch.setattr(pool_room, "room", lambda *, patient=False: 100 * GIB)
    return rbd


@pytest.mark.parametrize("error", [exceptions.StoreUnavailable, exceptions.NoRoom])
def test_a_full_pool_loses_images_all_the_same(rbd: Rbd, error: type[Exception]) -> None:
    """It renames nothing; it removes."""
    rbd.refused["rename"] = error
    assert blobs.drop_unused(sha512=SHA)
    assert rbd.did("snap", "purge", pool.name_of(SHA)) and rbd.did("rm", pool.name_of(SHA))
    rbd.refused |= {"rm": error, "trash": error, "snap": error}
    assert blobs.drop_unused(sha512=SHA) and blobs.drop_orphans() == []


def test_the_rest_of_a_removal_blocks_no_upload(rbd: Rbd) -> None:
    rbd.images = {pool.name_of(SHA): 0}
    assert pool.size_of(SHA) is None
    pool.settle("incoming", SHA)
    assert rbd.did("rm", pool.name_of(SHA)) and rbd.calls[-1] == ("rename", "incoming", pool.name_of(SHA))


@pytest.mark.parametrize("said", ["", "[]"])
def test_a_pool_that_is_gone(settings: Any, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """Where an image goes meanwhile, the program says the same, and lists the others."""
    settings.IMAGE_STORE = "images"
    done = subprocess.CompletedProcess([], 2, said, "(2) No such file or directory")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    if said:
        assert pool.sizes() == {}
    else:
        assert blobs.drop_orphans() == []
        with pytest.raises(exceptions.StoreUnavailable):
            pool.sizes()


def test_what_clouds_had_in_common_stays(rbd: Rbd) -> None:
    common = f"content-{SHA[:64]}"
    rbd.images = {common: 5, f"content-another-clou-{SHA[:64]}": 7}
    content = pool.opened(SHA)
    assert content is not None and (content.size, content._name, pool.sizes()[SHA[:64]]) == (5, common, 5)
    assert pool.own() == {} and blobs.drop_orphans() == []
    pool.drop(SHA)
    assert not any(common in call for call in rbd.calls if call[0] in ("rename", "rm", "trash"))


@pytest.mark.parametrize(
    ("size", "quota", "room", "cap", "may"),
    [(2, 4, 9, 9, True), (5, 4, 9, 9, False), (5, 9, 4, 9, False), (5, 9, 9, 4, False)],
)
def test_a_clone_counts(
    rbd: Rbd, alice: Caller, monkeypatch: pytest.MonkeyPatch, settings: Any,
    size: int, quota: int, room: int, cap: int, may: bool,
) -> None:  # fmt: skip
    """All of its bytes, against the quota, the pool's room and the cap. The host's own disk has no part in it."""
    image, run = begin(alice)
    limit(alice, "image_size_total", quota * 1024)
    settings.IMAGE_SIZE_CAP, settings.IMAGE_RESERVE = cap * GIB, 1 << 60
    monkeypatch.setattr(pool_room, "room", lambda *, patient=False: room * GIB)
    rbd.images = {"disks/disk-1": size * GIB}
    facts: dict[str, Any] = {"image_id": image.id, "run_id": run.id, "spec": SPEC}
    assert images.may_be_clone(**facts) == may
    fill: Callable[..., None] = images.fill_with_clone
    if may:
        fill(**facts)
        assert Image.objects.get(id=image.id).size == size * GIB
    else:
        with pytest.raises((exceptions.QuotaExceeded, exceptions.NoRoom, exceptions.TooManyBytes)):
            fill(**facts)
        assert Image.objects.get(id=image.id).status == "queued" and not rbd.did("clone")


def test_a_clone_that_is_cut_off(rbd: Rbd, alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its content's name, and no row says so: the repeated step needs no other. It was charged meanwhile."""
    image, run = begin(alice)
    rbd.images = {"disks/disk-1": GIB}
    facts: dict[str, Any] = {"image_id": image.id, "run_id": run.id, "spec": SPEC}
    settle = pool.settle

    def cut_off(*names: str) -> None:
        settle(*names)
        raise KeyboardInterrupt

    def brought(*words: Any) -> str:
        assert Image.objects.get(id=image.id).charged == GIB
        return bring_clone(*words)

    bring_clone = pool.bring_clone
    monkeypatch.setattr(pool, "bring_clone", brought)
    monkeypatch.setattr(pool, "settle", cut_off)
    with pytest.raises(KeyboardInterrupt):
        images.fill_with_clone(**facts)
    left = Image.objects.get(id=image.id)
    assert (left.status, left.charged, len(rbd.images)) == ("queued", 0, 2)
    monkeypatch.setattr(pool, "settle", settle)
    for _ in range(2):
        images.fill_with_clone(**facts)
    known = Image.objects.get(id=image.id)
    assert (known.status, known.charged) == ("active", 0)
    assert [*rbd.images] == ["disks/disk-1", pool.name_of(str(known.os_hash_value))]


@pytest.mark.parametrize("parent", [{"pool": "p", "image": "x", "trash": True}, {"pool": "disks", "image": "disk-1"}])
def test_a_disk_with_much_below_it_is_read(
    rbd: Rbd, alice: Caller, monkeypatch: pytest.MonkeyPatch, parent: dict[str, Any]
) -> None:
    """The second: each is a clone of another."""
    known = {"size": GIB, "parent": parent}
    monkeypatch.setattr(pool, "_info", lambda spec: known)
    image, run = begin(alice)
    assert not images.may_be_clone(image_id=image.id, run_id=run.id, spec=SPEC) and not rbd.did("flatten")
