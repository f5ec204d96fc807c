"""createImage, createBackup and changePassword: answers of each version, who owns the image, and refusals."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.compute import admin_passwords
from apps.compute.models import BlockDevice, Server
from apps.compute.services import agents
from apps.images.models import Image, Member
from apps.workflow.models import Run
from tests.api.compute.conftest import ComputeCaller
from tests.unit.images.test_charges import limit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
BACKUP = {"name": "b", "backup_type": "daily", "rotation": 2}


@pytest.fixture(autouse=True)
def image_dir(tmp_path: Any, settings: Any) -> None:
    settings.IMAGE_DIR = tmp_path


@pytest.fixture
def server(alice: ComputeCaller, make_server: Callable[..., Server], image: Image) -> Server:
    return make_server(
        alice, host="h1", image_id=image.id, image_facts={"min_disk": 1, "sha512": "0" * 128},
        image_properties={"os_distro": "debian", "img_signature": "x", "os_glance_x": "y", "base_image_ref": "old"},
    )  # fmt: skip


def act(who: ComputeCaller, server: Server, action: str, body: Any) -> Any:
    return who.post(f"/servers/{server.id}/action", {action: body})


def begin_again() -> None:
    Run.objects.all().delete()
    Server.objects.update(task_state="")


def test_answers_of_each_version(alice: ComputeCaller, server: Server) -> None:
    for action, body in (("createImage", {"name": "i"}), ("createBackup", BACKUP)):
        answer = act(alice.at("2.44"), server, action, body)
        assert (answer.status_code, answer.content) == (202, b"")
        assert answer["Location"].endswith(f"/image/v2/images/{Image.objects.get(filled_by=Run.objects.get().id).id}")
        begin_again()
        answer = act(alice.at("2.45"), server, action, body)
        assert answer.status_code == 202 and "Location" not in answer
        assert answer.json() == {"image_id": str(Image.objects.get(filled_by=Run.objects.get().id).id)}
        begin_again()
    answer = act(alice.at("2.44"), server, "createBackup", {**BACKUP, "rotation": 0})
    assert answer.status_code == 202 and "Location" not in answer, "it is rotated away at once"
    begin_again()


def test_what_the_image_says(alice: ComputeCaller, server: Server, image: Image) -> None:
    answer = act(alice.at("2.45"), server, "createImage", {"name": "i", "metadata": {"os_distro": "mine", "k": "v"}})
    made = Image.objects.get(id=answer.json()["image_id"])
    assert (made.name, made.status, made.visibility, made.project_id) == ("i", "queued", "private", alice.project_id)
    assert (made.disk_format, made.container_format, made.min_disk, made.min_ram) == ("qcow2", "bare", 3, 0)
    properties = dict(made.properties)
    properties = {key: value for key, value in properties.items() if not key.startswith("owner_") and key != "user_id"}
    assert properties == {
        "os_distro": "mine", "k": "v", "base_image_ref": str(image.id), "image_location": "snapshot",
        "image_state": "available", "image_type": "snapshot", "instance_uuid": str(server.id),
    }  # fmt: skip
    server.refresh_from_db()
    assert server.task_state == "image_snapshot_pending"
    assert Run.objects.get().params["image"] == str(made.id)
    shown = alice.at("2.1").get(f"/images/{made.id}").json()["image"]
    assert (shown["status"], shown["progress"]) == ("SAVING", 25)


def test_an_administrators_image_is_shared_with_the_servers_project(
    alice: ComputeCaller, admin: ComputeCaller, server: Server
) -> None:
    assert act(admin, server, "createImage", {"name": "i"}).status_code == 202
    made = Image.objects.get(name="i")
    assert (made.project_id, made.visibility) == (admin.project_id, "shared")
    assert made.properties["instance_owner"] == alice.project_id
    assert Member.objects.get(image=made).member_id == alice.project_id


def test_refusals_leave_nothing(alice: ComputeCaller, bob: ComputeCaller, server: Server) -> None:
    assert act(bob, server, "createImage", {"name": "i"}).status_code == 404
    assert act(alice, server, "createImage", {"name": "i", "metadata": {"status": "active"}}).status_code == 403
    limit(alice, "image_count_total", 0)
    assert act(alice, server, "createImage", {"name": "i"}).status_code == 413
    limit(alice, "image_count_total", 9)
    for values in ({"task_state": "powering-off"}, {"vm_state": "error", "task_state": ""}):
        Server.objects.update(**values)
        assert act(alice, server, "createBackup", BACKUP).status_code == 409
    assert not Image.objects.filter(project_id=alice.project_id).exists() and not Run.objects.exists()
    Server.objects.update(vm_state="active", locked=True)
    assert act(alice, server, "createImage", {"name": "i"}).status_code == 202  # a lock keeps from changes


def test_a_backup_of_a_root_disk_that_is_a_volume(alice: ComputeCaller, server: Server) -> None:
    BlockDevice.objects.create(server=server, kind="volume", boot_index=0, volume_id=uuid.uuid4())
    Server.objects.update(has_volumes=True)
    answer = act(alice, server, "createBackup", BACKUP)
    assert answer.status_code == 400 and "not supported for volume-backed instances" in answer.content.decode()


def test_passwords(alice: ComputeCaller, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """They need an agent that answers, and are in no run."""
    body = {"adminPass": "correct horse"}
    answer = act(alice, server, "changePassword", body)
    assert answer.status_code == 409 and "hw_qemu_guest_agent" in answer.content.decode()
    Server.objects.update(image_properties={"hw_qemu_guest_agent": "yes"})
    monkeypatch.setattr(agents, "ask", lambda **asked: b"no")
    assert act(alice, server, "changePassword", body).status_code == 409
    assert not Run.objects.exists()
    monkeypatch.setattr(agents, "ask", lambda **asked: b"yes")
    assert act(alice, server, "changePassword", body).status_code == 202
    server.refresh_from_db()
    assert server.task_state == "updating_password" and "horse" not in server.admin_password
    assert admin_passwords.unseal(server.admin_password) == "correct horse"
    assert "horse" not in str(Run.objects.get().params)
    begin_again()
    Server.objects.update(vm_state="stopped")
    answer = act(alice, server, "changePassword", body)
    assert answer.status_code == 409 and "vm_state stopped" in answer.content.decode()


def test_keys_of_another_run(alice: ComputeCaller, server: Server) -> None:
    """Two at once: the second is refused for the task under way."""
    assert act(alice, server, "createImage", {"name": "i"}).status_code == 202
    answer = act(alice, server, "createImage", {"name": "j"})
    assert answer.status_code == 409 and "task_state image_snapshot_pending" in answer.content.decode()
    assert [str(image.filled_by) for image in Image.objects.filter(name__in=["i", "j"])] == [str(Run.objects.get().id)]
    assert isinstance(Run.objects.get().id, uuid.UUID)
