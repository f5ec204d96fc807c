"""The image of a server: attempts whose answer was lost, and a host whose disk is full."""

from typing import Any

import pytest

from apps.compute.api.documents.images import _progress
from apps.compute.models import Server
from apps.images import pool_room
from apps.images.exceptions import NoRoom, StoreUnavailable, UploadInProgress
from apps.images.models import Image
from apps.images.selectors import blobs
from tests.unit.actions.conftest import Acting
from workers.drivers.hypervisor.base import DomainInfo, PowerState
from workers.drivers.storage.errors import NotEnoughSpace, SendingFailed, SnapshotRefused
from workers.tasks.servers import snapshots

pytestmark = pytest.mark.django_db(transaction=True)


def store() -> None:
    """Let the store have the data of the image that a run is to fill."""
    facts = {"size": 10, "virtual_size": 1 << 30, "os_hash_algo": "sha512", "os_hash_value": "0" * 128}
    assert Image.objects.exclude(filled_by=None).update(status="active", filled_by=None, **facts) == 1


@pytest.fixture
def remote(acting: Acting, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """The host is not the store's machine. Return a function that sets how the first upload ends."""
    settings.MAX_ATTEMPTS = 2
    monkeypatch.setattr(snapshots, "CHECK_SECONDS", -1)
    monkeypatch.setattr(blobs, "is_here", lambda: False)
    monkeypatch.setattr(blobs, "signed_upload_url", lambda **_: "http://127.0.0.1:1/")

    def end_upload(is_stored: bool, error: type[Exception] | None) -> None:
        def send(server_id: str, url: str, progress: Any) -> None:
            if is_stored:
                store()
            if error is not None:
                raise error("No.")
            progress(0, 1)

        monkeypatch.setattr(acting.drivers.storage, "send_snapshot", send)

    return end_upload


@pytest.mark.parametrize(
    ("is_stored", "error", "state"),
    [
        (True, SendingFailed, "succeeded"),  # the answer was lost
        (True, SnapshotRefused, "succeeded"),  # the address is not valid any more
        (True, None, "succeeded"),  # an earlier upload ends while this one is sent
        (False, SnapshotRefused, "failed"),
    ],
)
def test_the_answer_of_an_upload_is_lost(acting: Acting, remote: Any, is_stored: bool, error: Any, state: str) -> None:
    remote(is_stored, error)
    acting.do("createImage", name="i")
    if error is SendingFailed:
        acting.retry()
    assert (acting.run_state, acting.server.status, acting.server.task_state) == (state, "ACTIVE", "")
    assert Image.objects.filter(name="i", status="active").exists() == is_stored
    assert acting.drivers.storage.list_snapshots() == ()


def test_progress(acting: Acting, remote: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy of the disk counts from 25 on, the upload from 50 on: what Nova says at their begin."""
    remote(False, None)
    seen = []

    def look(progress: Any, status: str) -> None:
        progress(1, 4)
        Image.objects.exclude(filled_by=None).update(status=status)
        seen.append(_progress(Image.objects.get(name="i")))

    monkeypatch.setattr(acting.drivers.hypervisor, "copy_disk", lambda *given: look(given[-1], "queued"))
    monkeypatch.setattr(acting.drivers.storage, "send_snapshot", lambda *given: look(given[-1], "saving"))
    acting.do("createImage", name="i")
    store()
    assert [*seen, _progress(Image.objects.get(name="i"))] == [31, 62, 100]


def test_an_earlier_upload_ends_during_the_next_copy(
    acting: Acting, remote: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote(False, SendingFailed)
    acting.do("createImage", name="i")

    def copy(server_id: str, target: str, path: str, quiesce: str, progress: Any) -> None:
        store()
        progress(0, 1)

    monkeypatch.setattr(acting.drivers.hypervisor, "copy_disk", copy)
    acting.retry()
    assert acting.run_state == "succeeded"
    assert Image.objects.filter(name="i", status="active").exists()


def test_a_copy_that_takes_from_the_reserve_is_removed_at_once(
    acting: Acting, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.MAX_ATTEMPTS = 2

    def refuse() -> None:
        raise NotEnoughSpace("The host has no space for a snapshot.")

    monkeypatch.setattr(acting.drivers.storage, "check_reserve", refuse)
    acting.do("createImage", name="i")
    assert acting.server.task_state == "image_snapshot"  # the next attempt waits for its time
    assert acting.drivers.storage.list_snapshots() == ()


@pytest.fixture
def copied(acting: Acting, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets the names of the disks that are copied while the guest is on."""
    names: list[str] = []
    copy = acting.drivers.hypervisor.copy_disk

    def record(server_id: str, source: str, *arguments: Any) -> None:
        copy(server_id, source, *arguments)
        names.append(source.rpartition("/")[2])

    monkeypatch.setattr(acting.drivers.hypervisor, "copy_disk", record)
    return names


def test_an_image_is_never_that_of_a_rescue_disk(acting: Acting, remote: Any, copied: list[str]) -> None:
    """An operator reset the state of a rescued server: its first disk is still the rescue disk."""
    remote(True, None)
    acting.do("rescue")
    Server.objects.update(vm_state="active", rescue=None)
    assert acting.disks()["vda"] == "rescue"
    acting.do("createImage")
    assert (acting.run_state, copied) == ("succeeded", ["root"])


def test_the_image_of_a_guest_that_sleeps(
    acting: Acting, remote: Any, copied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is called suspended, but QEMU has its disk open."""
    remote(True, None)
    asleep = DomainInfo(str(acting.id), "s", PowerState.SUSPENDED)
    monkeypatch.setattr(acting.drivers.hypervisor, "info", lambda server_id: asleep)
    acting.do("createImage")
    assert (acting.run_state, copied) == ("succeeded", ["root"])


@pytest.mark.parametrize("action", ["suspend", "stop"])
def test_the_image_of_a_guest_that_is_off(acting: Acting, remote: Any, copied: list[str], action: str) -> None:
    remote(True, None)
    acting.do(action)
    acting.do("createImage")
    assert (acting.run_state, copied) == ("succeeded", [])


class Clones:
    """The image store in the cluster of the disks: what it answers, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.errors: list[Exception] = []
        self.may = True

    def may_be_clone(self, *, image_id: Any, run_id: Any, spec: str) -> bool:
        self.asked.append(f"may {spec.partition('@')[2]}")
        return self.may

    def fill_with_clone(self, *, image_id: Any, run_id: Any, spec: str) -> None:
        self.asked.append("clone")
        if self.errors:
            raise self.errors.pop()
        store()


@pytest.fixture
def clones(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Clones:
    settings.IMAGE_STORE = "images"
    clones = Clones()
    for name in ("may_be_clone", "fill_with_clone"):
        monkeypatch.setattr(snapshots.images, name, getattr(clones, name))
    monkeypatch.setattr(Acting, "storage", "simulated-pool")
    monkeypatch.setattr(pool_room, "room", lambda **_: 1 << 40)
    return clones


@pytest.mark.parametrize("error", [None, StoreUnavailable(), UploadInProgress(id="1"), NoRoom()])
def test_a_clone_in_the_cluster(clones: Clones, acting: Acting, settings: Any, error: Exception | None) -> None:
    """A silence of the cluster, and a sweep that looks at what an attempt has left, end no image; a full pool does."""
    settings.MAX_ATTEMPTS = 2
    clones.errors = [error] if error else []
    acting.do("createImage", name="i")
    repeats = isinstance(error, StoreUnavailable | UploadInProgress)
    if repeats:
        acting.retry()
    assert (acting.run_state, acting.server.status) == (
        "failed" if isinstance(error, NoRoom) else "succeeded",
        "ACTIVE",
    )
    assert clones.asked == ["may copied", "clone"] * (2 if repeats else 1)
    assert acting.drivers.storage.marked_root(str(acting.id)) == "" and acting.drivers.storage.list_snapshots() == ()


def test_a_disk_that_is_read_instead(clones: Clones, acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    clones.may = False
    monkeypatch.setattr(snapshots, "store", lambda *_: store())
    monkeypatch.setattr(blobs, "is_here", lambda: True)
    acting.do("createImage", name="i")
    assert acting.run_state == "succeeded" and clones.asked == ["may copied"]
    assert acting.drivers.storage.list_snapshots() == ()
