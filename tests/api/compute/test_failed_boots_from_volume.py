"""Builds with volumes that fail, are tried again or are cut short by a delete: what they leave."""

from dataclasses import replace
from typing import Any

import pytest

from apps.images.models import Image
from apps.scheduling.models import Allocation
from apps.volumes.models import Attachment, DisabledBackend, Volume, VolumeType
from apps.volumes.services import pools
from apps.workflow.models import Run
from tests.api.compute import test_boot_from_volume
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import HOST, Worker
from tests.api.compute.test_boot_from_volume import (
    MakeVolume,
    blank,
    create,
    exports,
    of_image,
    of_volume,
    server_of,
    used,
)
from workers.consistency import check
from workers.host import drivers as host_drivers

pytestmark = pytest.mark.django_db
make_volume, wanted, worker = (getattr(test_boot_from_volume, name) for name in ("make_volume", "wanted", "worker"))


@pytest.mark.parametrize(
    ("op", "error"),
    [("create_volume", "abort"), ("create_volume", "retryable"), ("open_export", "abort"), ("spawn", "abort"),
     ("spawn", "retryable")],
)  # fmt: skip
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_build_that_fails_leaves_nothing(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, make_volume: MakeVolume, worker: Worker, op: str,
    error: str, when: str,
) -> None:  # fmt: skip
    data = make_volume(alice)
    worker.plan({"op": op, "error": error, "when": when})
    server = server_of(create(alice, wanted, of_image(image), of_volume(data)))
    assert worker.work() == ["failed"]
    server.refresh_from_db()
    data.refresh_from_db()
    assert (server.vm_state, server.host, data.status) == ("error", "", "available")
    assert Volume.objects.filter(deleted_at=None).count() == 1 and not Attachment.objects.exists()
    assert {info.id for info in worker.drivers.volume.list_volumes()} == {str(data.id)} and exports(worker) == set()
    assert not Allocation.objects.exists()
    assert used(alice) == {"volumes": (0, 0), "gigabytes": (0, 0), "instances": (1, 0)}
    assert alice.delete(f"/servers/{server.id}").status_code == 204
    assert worker.work() == ["failed", "succeeded"]
    data.refresh_from_db()
    assert data.status == "available"


@pytest.mark.parametrize("asked", [{"storage_protocol": "ceph"}, {"free_capacity_gb": ">= 500000"}])
def test_a_build_makes_volumes_only_on_what_their_type_asks_for(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, worker: Worker, asked: dict[str, str]
) -> None:
    VolumeType.objects.create(name="far", extra_specs=asked)
    server = server_of(create(alice, wanted, of_image(image, volume_type="far")))
    assert worker.work() == ["failed"]
    server.refresh_from_db()
    run = Run.objects.get(leader_id=None)
    assert (server.vm_state, run.error_cause, "ceph" in run.error_message) == ("error", "NoValidHost", False)
    assert not Allocation.objects.exists() and worker.drivers.volume.list_volumes() == ()


def test_a_build_makes_volumes_on_the_next_back_end(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, worker: Worker, settings: Any
) -> None:
    """As a volume that is made alone: the first back end has no room on the host, or is disabled there."""
    settings.VOLUME_BACKENDS = {"local": {"kind": "local", "path": ""}, "ssd": {"kind": "local", "path": "/srv/ssd"},
                                "nfs": {"kind": "shared", "path": "/srv/volumes"}}  # fmt: skip
    settings.VOLUME_OVERCOMMIT = 1.0
    options = {"state_dir": worker.directory.parent, "host": HOST, "plan_file": worker.plan_file}
    worker.drivers = replace(worker.drivers, volume=host_drivers._volumes("simulated", options))
    for backend, free in (("ssd", 3), ("nfs", 500)):
        pools.report(host=HOST, backend=backend, shared=backend == "nfs", total_gib=free, free_gib=free, reserve_gib=1)
    DisabledBackend.objects.create(host=HOST, backend="local")
    server = server_of(create(alice, wanted, of_image(image), blank(volume_size=9)))
    assert worker.work() == ["succeeded"]
    server.refresh_from_db()
    made = Volume.objects.order_by("size").values_list("size", "backend", "status", "host")
    assert [*made] == [(2, "ssd", "in-use", HOST), (9, "nfs", "in-use", HOST)]
    assert (server.vm_state, len(worker.drivers.volume.list_volumes())) == ("active", 2)
    assert not [
        item for item in (*check.of_rows(), *check.of_host(worker.drivers)) if item.kind not in ("quota", "inventory")
    ]
    assert server_of(create(alice, wanted, blank(volume_size=900), of_image(image))).vm_state == "building"
    assert worker.work()[-1] == "failed"
    assert set(Volume.objects.filter(status="deleted").values_list("backend", flat=True)) == {"local"}


def test_a_failed_attempt_is_made_again(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, worker: Worker, make_host: Any, monkeypatch: Any
) -> None:
    """The volume is removed from the host that failed, and made on the next one: here the same, under another name."""
    worker.plan({"op": "spawn", "error": "retryable", "when": "after", "times": 1})
    make_host("other", 2)
    server_of(create(alice, wanted, of_image(image)))
    run = Run.objects.get(leader_id=None)
    while run.next_step != "schedule" or run.attempt == 1:
        worker.step(run)
        run.refresh_from_db()
    volume = Volume.objects.get()
    assert (volume.status, volume.host) == ("creating", "") and not Attachment.objects.exists()
    assert worker.drivers.volume.list_volumes() == () and not Allocation.objects.exists()


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4])
def test_a_delete_during_the_build(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, make_volume: MakeVolume, worker: Worker, steps: int
) -> None:
    data = make_volume(alice)
    server = server_of(create(alice, wanted, of_image(image, delete_on_termination=True), of_volume(data)))
    run = Run.objects.get(leader_id=None)
    for _ in range(steps):
        worker.step(run)
        run.refresh_from_db()
    assert alice.delete(f"/servers/{server.id}").status_code == 204
    assert set(worker.work()) == {"cancelled", "succeeded"}
    data.refresh_from_db()
    assert data.status == "available" and Volume.objects.filter(deleted_at=None).count() == 1
    assert {info.id for info in worker.drivers.volume.list_volumes()} == {str(data.id)} and exports(worker) == set()
    assert not Allocation.objects.exists() and not Attachment.objects.exists()
    assert all(amounts == (0, 0) for amounts in used(alice).values())


def test_a_host_without_room_for_the_volume(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, worker: Worker
) -> None:
    server = server_of(create(alice, wanted, of_image(image, volume_size=500)))
    assert worker.work() == ["failed"]
    server.refresh_from_db()
    assert server.vm_state == "error" and "No valid host" in server.fault_message, server.fault_message
    assert not Allocation.objects.exists() and not Volume.objects.filter(deleted_at=None).exists()


def test_a_build_is_not_tried_again_without_its_volumes(
    alice: ComputeCaller, admin: ComputeCaller, wanted: dict[str, Any], image: Image, worker: Worker
) -> None:
    from apps.common.exceptions import Conflict
    from apps.compute.services import instance_actions

    worker.plan({"op": "spawn", "error": "abort", "when": "before"})
    server = server_of(create(alice, wanted, of_image(image)))
    worker.work()
    with pytest.raises(Conflict, match="its volumes were given back"):
        instance_actions.retry(context=admin.context, server=server)
