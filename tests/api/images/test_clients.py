"""Unmodified clients against a real server: openstacksdk, and the ``openstack`` command."""

from pathlib import Path
from typing import Any

import openstack
import pytest
from openstack import exceptions

from apps.identity.services import bootstrap
from tests.api.clients.commands import Commands
from tests.unit.images import samples

PASSWORD = "correct horse"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def auth(live_server: Any, settings: Any, tmp_path: Path) -> dict[str, Any]:
    settings.FERNET_KEY_DIR = tmp_path / "fernet-keys"
    settings.IMAGE_DIR = tmp_path / "images"
    bootstrap.bootstrap(admin_password=PASSWORD, demo_password=PASSWORD, public_url=live_server.url, region="RegionOne")
    return {
        "auth_url": f"{live_server.url}/identity",
        "username": "demo",
        "password": PASSWORD,
        "project_name": "demo",
        "user_domain_id": "default",
        "project_domain_id": "default",
    }


@pytest.fixture
def cloud(auth: dict[str, Any]) -> Any:
    return openstack.connect(region_name="RegionOne", **auth)


@pytest.fixture
def run(auth: dict[str, Any], tmp_path: Path) -> Commands:
    return Commands(auth=auth, directory=tmp_path)


def test_sdk_life_of_an_image(cloud: Any, tmp_path: Path) -> None:
    file = tmp_path / "i.qcow2"
    file.write_bytes(samples.qcow2())
    image = cloud.create_image("i", filename=str(file), disk_format="qcow2", container_format="bare", wait=True)
    assert image.status == "active"
    assert cloud.image.find_image("i").id == image.id
    assert [one.id for one in cloud.image.images(name="i")] == [image.id]
    assert cloud.image.download_image(image.id).content == file.read_bytes()
    assert cloud.image.update_image(image.id, name="j", os_type="linux").name == "j"
    cloud.image.add_tag(image.id, "t")
    cloud.image.deactivate_image(image.id)
    cloud.image.reactivate_image(image.id)
    member = cloud.image.add_member(image.id, member_id="f" * 32)
    assert member.status == "pending"
    cloud.image.remove_member("f" * 32, image.id)
    cloud.image.delete_image(image.id)
    with pytest.raises(exceptions.NotFoundException):
        cloud.image.get_image(image.id)


def test_sdk_pages(cloud: Any) -> None:
    made = {cloud.image.create_image(f"p{n}", disk_format="raw", container_format="bare").id for n in range(5)}
    assert {one.id for one in cloud.image.images(limit=2)} == made


def test_sdk_is_told_why(cloud: Any, tmp_path: Path) -> None:
    file = tmp_path / "bad"
    file.write_bytes(samples.qcow2(backing=512))
    with pytest.raises(exceptions.BadRequestException, match="backing file"):
        cloud.create_image("bad", filename=str(file), disk_format="qcow2", container_format="bare", wait=True)


def test_command(run: Commands, tmp_path: Path) -> None:
    file, out = tmp_path / "x.img", tmp_path / "y.img"
    file.write_bytes(samples.qcow2())
    made = run.json(f"image create --file {file} --disk-format qcow2 --property hw_disk_bus=virtio a")
    assert made["status"] == "active"
    assert run.json("image show a")["properties"]["hw_disk_bus"] == "virtio"
    run("image set --name b --tag t --min-disk 1 a")
    assert [image["Name"] for image in run.json("image list --long")] == ["b"]
    run(f"image save --file {out} b")
    assert out.read_bytes() == file.read_bytes()
    run("image delete b")
    assert run.json("image list") == []
