"""Shelve and unshelve: the disk is an image meanwhile, the host is free, and what fails leaves the server as it was."""

from typing import Any

import pytest

from apps.common.exceptions import BadRequest, Conflict
from apps.compute.services import shelving
from apps.images.models import Image
from apps.quotas.models import Usage
from apps.scheduling.models import Allocation, Host
from apps.volumes.models import Volume
from tests.unit.actions.conftest import ADMIN, HOST, OTHER, Moving

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Any) -> None:
    settings.IMAGE_DIR = tmp_path / "images"
    settings.IMAGE_DIR.mkdir()


def images() -> list[str]:
    return list(Image.objects.filter(deleted_at=None, name__endswith="-shelved").values_list("status", flat=True))


@pytest.mark.parametrize("before", ["", "stop", "pause", "suspend"])
@pytest.mark.parametrize("seconds", [0, -1])
def test_shelve_and_unshelve(moving: Moving, settings: Any, before: str, seconds: int) -> None:
    settings.SHELVED_OFFLOAD_TIME = seconds
    if before:
        moving.do(before)
    moving.do("shelve")
    assert moving.run_state == "succeeded" and images() == ["active"]
    server = moving.server
    if seconds:
        assert (server.status, server.task_state, server.host) == ("SHELVED", "", HOST)
        assert moving.where()[HOST][1] and Allocation.objects.count() == 1
        moving.do("shelveOffload", context=ADMIN)
        server = moving.server
    assert (server.status, server.task_state, server.host) == ("SHELVED_OFFLOADED", "", "")
    assert moving.where() == {} and Allocation.objects.count() == 0 and moving.findings() == []
    assert Usage.objects.get(resource="cores").in_use == 1
    moving.do("unshelve", context=ADMIN, host=OTHER)
    server = moving.server
    assert (server.status, server.task_state, server.host) == ("ACTIVE", "", OTHER) and moving.power_at(
        OTHER
    ) == "running"
    assert images() == [] and server.shelved_image_id is None and moving.findings() == []
    assert moving.size() == 1 << 30 and Allocation.objects.get().host.name == OTHER


def test_unshelve_on_the_host(moving: Moving, settings: Any) -> None:
    settings.SHELVED_OFFLOAD_TIME = 3600
    moving.do("shelve")
    assert shelving.offload_due() == 0
    with pytest.raises(Conflict, match="must be SHELVED_OFFLOADED"):
        moving.do("unshelve", host=OTHER)
    moving.do("unshelve")
    assert moving.server.status == "ACTIVE" and moving.server.host == HOST and images() == []
    assert moving.findings() == [] and moving.where() == {HOST: ("running", True, False)}


def test_offloaded_after_a_time(moving: Moving, settings: Any) -> None:
    settings.SHELVED_OFFLOAD_TIME = 3600
    moving.do("shelve")
    settings.SHELVED_OFFLOAD_TIME = 0
    assert shelving.offload_due() == 1
    moving.run()
    assert moving.server.status == "SHELVED_OFFLOADED" and moving.findings() == []


def test_delete(moving: Moving) -> None:
    moving.do("shelve")
    moving.do("delete")
    assert moving.server.status == "DELETED" and images() == [] and moving.findings() == []


@pytest.mark.parametrize(("fault", "before"), [("stop", ""), ("snapshot_root", ""), ("snapshot_root", "stop")])
def test_a_shelve_fails(moving: Moving, fault: str, before: str) -> None:
    if before:
        moving.do(before)
    status = moving.server.status
    moving.fail(fault)
    moving.do("shelve")
    moving.fail("")
    assert (moving.server.status, moving.server.task_state, moving.run_state) == (status, "", "failed")
    assert images() == [] and moving.findings() == []


def test_a_shelve_is_cancelled_between_two_attempts(moving: Moving, settings: Any) -> None:
    settings.MAX_ATTEMPTS = 3
    moving.fail("snapshot_root", error="retryable")
    moving.do("shelve")
    assert moving.server.task_state and moving.power == "shutdown"
    moving.fail("")
    moving.do("cancel", context=ADMIN)
    assert (moving.server.status, moving.power, moving.run_state) == ("ACTIVE", "running", "cancelled")
    assert images() == [] and moving.findings() == []


def test_what_is_left_behind_is_removed(moving: Moving) -> None:
    """Behind the pivot an offload that fails is given up: the server is shelved, on its host."""
    moving.fail("remove_server")
    moving.do("shelve")
    moving.fail("")
    assert moving.server.status == "SHELVED" and moving.server.task_state == ""
    moving.do("shelveOffload", context=ADMIN)
    assert moving.server.status == "SHELVED_OFFLOADED" and moving.findings() == []


@pytest.mark.parametrize("fault", ["unpack_root", "start", "cache_image"])
def test_an_unshelve_fails(moving: Moving, fault: str) -> None:
    moving.do("shelve")
    moving.fail(fault)
    moving.do("unshelve")
    moving.fail("")
    server = moving.server
    assert (server.status, server.task_state, server.host) == ("SHELVED_OFFLOADED", "", "")
    assert moving.where() == {} and images() == ["active"] and moving.findings() == []
    moving.do("unshelve")
    assert moving.server.status == "ACTIVE" and moving.findings() == []


def test_refused(moving: Moving) -> None:
    with pytest.raises(Conflict, match="vm_state active"):
        moving.do("unshelve")
    with pytest.raises(Conflict, match="vm_state active"):
        moving.do("shelveOffload", context=ADMIN)
    moving.do("shelve")
    for wrong in ({"zone": "none"}, {"host": "none"}):
        with pytest.raises(BadRequest):
            moving.do("unshelve", **wrong)
    Host.objects.update(zone="b")
    moving.do("unshelve", zone="b")
    assert moving.server.status == "ACTIVE" and moving.server.requested_zone == "b"


def test_volumes_of_a_shelved_server(moving: Moving) -> None:
    """They are attached and detached as rows; the guest has them once it is unshelved."""
    volume = Volume.objects.create(name="v", size=1, status="available", project_id="p", user_id="u", host=HOST)
    moving.do("shelve")
    for action, status in (("attach_volume", "in-use"), ("detach_volume", "available")):
        moving.do(action, volume_id=volume.id if action == "detach_volume" else str(volume.id))
        volume.refresh_from_db()
        assert volume.status == status and moving.server.task_state == "" and moving.run_state == "succeeded"
