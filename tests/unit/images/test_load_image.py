"""manage.py load_image."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.identity.services import bootstrap
from apps.images.models import Image
from tests.unit.images import samples


@pytest.fixture(autouse=True)
def cloud(db: None, tmp_path: Path, settings: object) -> None:
    settings.FERNET_KEY_DIR = tmp_path / "fernet-keys"  # type: ignore[attr-defined]
    bootstrap.bootstrap(admin_password="a" * 12, demo_password="b" * 12, public_url="http://x", region="R")


def load(path: Path, **options: object) -> None:
    call_command("load_image", name="tiny", file=path, min_disk=1, property=["hw_rng_model=virtio"], **options)


def test_once_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "tiny.qcow2"
    path.write_bytes(samples.qcow2())
    load(path)
    load(path)
    image = Image.objects.get()
    assert (image.status, image.visibility, image.min_disk) == ("active", "public", 1)
    assert image.properties == {"hw_rng_model": "virtio"}
    path.write_bytes(samples.qcow2(size=2**31))
    load(path)
    assert Image.objects.filter(os_hidden=False).get().virtual_size == 2**31


def test_bad_bits_leave_no_image(tmp_path: Path) -> None:
    path = tmp_path / "bad"
    path.write_bytes(samples.RAW)
    with pytest.raises(CommandError, match="content is raw"):
        load(path)
    assert not Image.objects.filter(deleted_at=None).exists()
