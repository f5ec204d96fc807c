"""A guest with an agent waits while a snapshot of its volume is made; where it does not, the project reads so."""

from typing import Any

import pytest

from apps.common.context import RequestContext
from apps.compute.models import Server
from apps.scheduling.services import agents
from apps.volumes.models import Message, Snapshot, Volume
from apps.volumes.services import snapshots
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import HOST, Worker
from tests.api.compute.test_volume_attachments import MakeVolume, attach, make_volume, server, worker
from tests.cloud import wait_for
from workers import config
from workers.drivers.volume.errors import PoolBusy
from workers.host import http
from workers.mapping import quiescing
from workers.mapping import servers as mapping
from workers.tasks.volumes import base

__all__ = ["make_volume", "server", "worker"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def volume(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> Volume:
    """Of a guest with an agent, on a host that this process serves."""
    Server.objects.update(image_properties={"hw_qemu_guest_agent": "yes"})
    server.refresh_from_db()
    worker.drivers.hypervisor.destroy(str(server.id))
    worker.drivers.hypervisor.spawn(mapping.spec_of(server, worker.drivers, (), ()))
    made = make_volume(alice)
    attach(alice, server, made)
    worker.work()
    made.refresh_from_db()
    monkeypatch.setattr(config, "_hosts", {HOST: worker.drivers})
    return made


def snapshot(worker: Worker, volume: Volume) -> str:
    context = RequestContext(user_id="u", project_id=volume.project_id)
    snapshots.create(context=context, volume=volume, values={"name": "s"}, attached_too=True)
    return worker.work()[-1]


def is_frozen(worker: Worker, server: Server) -> bool:
    return bool(worker.record("domains", server.id).get("frozen"))


@pytest.mark.parametrize("fails", [False, True])
def test_the_guest_waits(
    server: Server, volume: Volume, worker: Worker, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    seen, driver = [], type(worker.drivers.volume)
    create = driver.create_snapshot

    def watch(self: Any, *arguments: Any) -> None:
        seen.append(is_frozen(worker, server))
        create(self, *arguments)

    monkeypatch.setattr(driver, "create_snapshot", watch)
    if fails:
        worker.plan({"op": "create_snapshot", "error": "abort", "when": "before"})
    assert snapshot(worker, volume) == ("failed" if fails else "succeeded")
    assert seen == [True] and not is_frozen(worker, server) and not quiescing._frozen
    assert Message.objects.count() == int(fails)


def test_two_snapshots_at_once(
    alice: ComputeCaller, server: Server, volume: Volume, make_volume: MakeVolume, worker: Worker
) -> None:
    """The guest waits until the last one ends; each hears that it did."""
    other = make_volume(alice)
    attach(alice, server, other)
    worker.work()
    with quiescing.quiesced(volume.id) as missed:
        with quiescing.quiesced(other.id) as missed_too:
            assert is_frozen(worker, server)
        assert is_frozen(worker, server) and missed_too == []
    assert not is_frozen(worker, server) and missed == []


def _of_image(volumes: list[Volume], **more: Any) -> None:
    context = RequestContext(user_id="u", project_id=volumes[0].project_id)
    snapshots.create_all(context=context, rows=volumes, values={"name": "s", "moment": "m", **more}, attached_too=True)


@pytest.mark.parametrize("fails", [0, 1])
def test_snapshots_of_one_moment(
    alice: ComputeCaller, server: Server, volume: Volume, make_volume: MakeVolume, worker: Worker, fails: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The guest waits once, until all are made; one that fails holds nobody up."""
    other = make_volume(alice)
    attach(alice, server, other)
    worker.work()
    frozen, thawed, hypervisor = [], [], type(worker.drivers.hypervisor)
    for name, calls in (("freeze", frozen), ("thaw", thawed)):
        real = getattr(hypervisor, name)
        monkeypatch.setattr(hypervisor, name, lambda self, key, r=real, c=calls: (c.append(key), r(self, key))[1])
    _of_image([volume, other])
    if fails:
        worker.plan({"op": "create_snapshot", "error": "abort", "when": "before", "times": 1})
    assert sorted(worker.work()[-2:]) == (["failed", "succeeded"] if fails else ["succeeded"] * 2)
    assert (len(frozen), len(thawed)) == (1, 1) and not is_frozen(worker, server) and not quiescing._frozen
    assert not Message.objects.filter(text__contains="did not freeze").exists()


def test_a_guest_that_has_to_wait(server: Server, volume: Volume, worker: Worker) -> None:
    """os_require_quiesce: a snapshot of which it did not is none."""
    worker.plan({"op": "freeze", "error": "abort", "when": "before"})
    _of_image([volume], must_wait=True)
    assert worker.work()[-1] == "failed"
    assert [row.status for row in Snapshot.objects.all()] == ["error"] and not is_frozen(worker, server)


def test_a_guest_of_another_host(
    server: Server, volume: Volume, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its agent is asked, over HTTP. One that does not answer has not frozen it."""
    asked = []

    def answer(*, host: str, parts: tuple[str, ...], method: str, **_: Any) -> tuple[int, bytes]:
        asked.append((host, parts[2], is_frozen(worker, server)))
        if silent:
            raise agents.AgentSilent
        return 200, http.DUTIES[parts[2]](worker.drivers, parts[1])

    monkeypatch.setattr(agents, "request", answer)
    monkeypatch.setattr(config, "_hosts", {})
    silent = False
    with quiescing.quiesced(volume.id) as missed:
        assert is_frozen(worker, server)
    assert missed == [] and asked == [(HOST, "freeze", False), (HOST, "thaw", True)]
    assert not is_frozen(worker, server)
    silent = True
    with quiescing.quiesced(volume.id) as missed:
        assert not is_frozen(worker, server)
    assert missed == [str(server.id)]


def test_a_busy_pool_freezes_nobody(
    server: Server, volume: Volume, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, driver = [], type(worker.drivers.volume)
    check = driver.check_free

    def be_busy(self: Any, volume_id: str) -> None:
        seen.append(is_frozen(worker, server))
        if len(seen) < 3:
            raise PoolBusy("Another operation on the volume is under way.")
        check(self, volume_id)

    monkeypatch.setattr(driver, "check_free", be_busy)
    monkeypatch.setattr(base, "PAUSE_SECONDS", 0)
    frozen = []
    monkeypatch.setattr(quiescing, "freeze", lambda *of: frozen.append(of) or [])
    assert snapshot(worker, volume) == "succeeded"
    assert seen == [False] * 3 and len(frozen) == 1


def test_an_agent_that_does_not_answer(server: Server, volume: Volume, worker: Worker) -> None:
    worker.plan({"op": "freeze", "error": "abort", "when": "before"})
    assert snapshot(worker, volume) == "succeeded"
    assert f"agent in the server {server.id} did not freeze" in Message.objects.get().text


def test_who_asked_is_gone(server: Server, volume: Volume, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host thaws by itself; its recovery does, when its agent died."""
    monkeypatch.setattr(quiescing, "FROZEN_SECONDS", 0)
    worker.drivers.paths.instance(str(server.id)).mkdir(parents=True)
    assert quiescing.freeze(volume.id, worker.drivers) == []
    wait_for(lambda: not is_frozen(worker, server), what="thawed")
    assert quiescing.thaw(volume.id, worker.drivers) == [str(server.id)]
    worker.drivers.hypervisor.freeze(str(server.id))
    worker.drivers.paths.frozen(str(server.id)).write_bytes(b"")
    assert quiescing.thaw_forgotten(worker.drivers) == [str(server.id)]
    assert not is_frozen(worker, server) and quiescing.thaw_forgotten(worker.drivers) == []
