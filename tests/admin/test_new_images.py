"""New images from a form: the API's checks, bits that are streamed to a file, and who may send any."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.identity.models import Project
from apps.images.models import Image
from apps.images.selectors import blobs
from tests.admin.acting import add, events, refused, saved

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def directory(settings: Any, tmp_path: Path) -> Path:
    settings.IMAGE_DIR = tmp_path / "images"
    return tmp_path / "images"


def form(**changed: Any) -> dict[str, Any]:
    demo = Project.objects.get(name="demo").pk
    return {"name": "disk", "owner": demo, "disk_format": "raw", "container_format": "bare", **changed}


def bits(size: int = 4096) -> SimpleUploadedFile:
    return SimpleUploadedFile("disk.img", b"\0" * size, "application/octet-stream")


def test_an_image_with_its_bits(operator: Client, directory: Path) -> None:
    values = form(visibility="public", min_disk="2", min_ram="64", protected="on", properties="os_type=linux", tags="a")
    saved(operator, add(Image), **values, bits=bits())
    image = Image.objects.get()
    assert (image.name, image.status, image.visibility, image.size) == ("disk", "active", "public", 4096)
    assert (image.min_disk, image.min_ram, image.protected) == (2, 64, True)
    assert (image.properties, image.tags) == ({"os_type": "linux"}, ["a"])
    assert image.project_id == values["owner"]
    assert blobs.path(image).stat().st_size == 4096
    assert list((directory / "staging").iterdir()) == []
    assert events("image.create") == [("operator", "success", str(image.id))]


def test_an_image_whose_bits_come_later(operator: Client) -> None:
    saved(operator, add(Image), **form())
    assert Image.objects.get().status == "queued"


def test_refused_bits_leave_nothing(operator: Client, directory: Path) -> None:
    told = refused(operator, add(Image), **form(disk_format="qcow2"), bits=bits())
    assert "qcow2" in told
    assert not Image.objects.exists() and list((directory / "staging").iterdir()) == []


def test_a_file_over_the_cap(operator: Client, settings: Any, directory: Path) -> None:
    settings.IMAGE_SIZE_CAP = 1000
    assert "1000" in refused(operator, add(Image), **form(), bits=bits())
    assert not Image.objects.exists() and list((directory / "staging").iterdir()) == []


def test_the_apis_own_checks(operator: Client) -> None:
    assert "integer from 0" in refused(operator, add(Image), **form(min_disk="-1"))
    assert "is an attribute" in refused(operator, add(Image), **form(properties="visibility=public"))
    assert "size" in refused(operator, add(Image), **form(properties="size=1"))
    assert not Image.objects.exists()


@pytest.mark.parametrize("who", ["viewer", "member"])
def test_others_send_no_files(who: str, request: pytest.FixtureRequest, directory: Path) -> None:
    client: Client = request.getfixturevalue(who)
    answer = client.post(add(Image), {**form(), "bits": bits()})
    assert answer.status_code == (403 if who == "viewer" else 302)
    assert not Image.objects.exists() and not directory.exists()


def test_no_other_page_takes_files(operator: Client, directory: Path) -> None:
    operator.post(add(Project), {"name": "x", "domain_id": "default", "bits": bits()})
    assert not directory.exists()
