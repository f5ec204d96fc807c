"""Encrypted volumes over real files and exports: what the key opens, and what a disk shows without it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.drivers import samples
from workers.drivers.errors import SpecInvalid
from workers.drivers.volume import encryption
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import Export, ExportSpec, FromImage, FromVolume, VolumeDriver, VolumeSpec
from workers.drivers.volume.encryption import DiskKey, header_bytes

TOOLS = ("qemu-img", "qemu-io", "qemu-storage-daemon")
pytestmark = pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="needs QEMU's tools")
PLAIN = bytes([7]) * 4096
KEY = DiskKey("5ec7e7" * 10, 256)


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[VolumeDriver]:
    with tempfile.TemporaryDirectory(prefix="cly-v", dir="/tmp") as run_dir:
        driver = volumes.load("local", {"state_dir": tmp_path, "run_dir": run_dir, "reserved_gib": 0})
        yield driver
        for volume in driver.list_volumes():
            driver.close_export(volume.id, None)


def spec(key: DiskKey | None) -> VolumeSpec:
    return VolumeSpec(samples.new_id(), 1, header_bytes=header_bytes(key.key_size) if key is not None else 0)


def opened(driver: VolumeDriver, volume: VolumeSpec, key: DiskKey | None = None, source: object = None) -> Export:
    driver.create_volume(volume, source)  # type: ignore[arg-type]
    export = driver.open_export(volume.id, ExportSpec(f"e{volume.id}"))
    if key is not None:
        encryption.format_volume(export, key, 1 << 30)
    return export


def look(export: Export, key: DiskKey | None, *commands: str) -> str:
    words = [word for command in commands for word in ("-c", command)]
    secret = ["--object", "secret,id=key,file=/dev/stdin"] if key is not None else []
    done = subprocess.run(
        ["qemu-io", *secret, "--image-opts", encryption._options(export, key), *words],
        input=key.passphrase if key is not None else "", capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_the_key_opens_what_the_disk_does_not_show(driver: VolumeDriver, tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(PLAIN * 4 + bytes(4096 * 4))
    volume = spec(KEY)
    export = opened(driver, volume, KEY)
    encryption.write_image(export, FromImage(str(path), "raw", 4096 * 8), KEY)
    answer = look(export, KEY, "read -P 7 0 16k", "read -P 0 16k 16k", "write -P 9 512M 64k", "length")
    assert "failed" not in answer and "1 GiB" in answer, answer
    wrong = look(export, DiskKey("0" * 64, 256), "read -P 7 0 16k")
    assert "Invalid password" in wrong
    driver.extend_volume(volume.id, 2)
    assert "2 GiB" in look(export, KEY, "length")
    assert [info.size_gib for info in driver.list_volumes()] == [2]
    driver.close_export(volume.id, None)
    layers = b"".join(file.read_bytes() for file in (tmp_path / "volumes" / volume.id).glob("*.qcow2"))
    assert b"LUKS" in layers and PLAIN not in layers and bytes([9]) * 4096 not in layers
    assert KEY.passphrase not in repr(KEY)
    copy = VolumeSpec(samples.new_id(), 2, header_bytes=header_bytes(256))
    assert "failed" not in look(opened(driver, copy, None, FromVolume(volume.id)), KEY, "read -P 7 0 16k")
    image = Path(driver.read_volume(volume.id, "raw"))
    assert image.stat().st_size == copy.size_bytes
    made, source = replace(copy, id=samples.new_id()), FromImage(str(image), "raw", copy.size_bytes)
    assert "failed" not in look(opened(driver, made, None, source), KEY, "read -P 7 0 16k", "read -P 9 512M 64k")


@pytest.mark.heavy
def test_a_copy_is_encrypted_otherwise_or_not_at_all(driver: VolumeDriver) -> None:
    plain = opened(driver, spec(None))
    look(plain, None, "write -P 5 0 1M", "write -P 6 1023M 1M")  # to the last byte
    keys = [None, KEY, DiskKey(KEY.passphrase, 512), None]
    source = plain
    for before, after in pairwise(keys):
        target = opened(driver, spec(after), after)
        encryption.copy(source, target, (before, after))
        answer = look(target, after, "read -P 5 0 1M", "read -P 6 1023M 1M", "read -P 0 1M 1M", "length")
        assert "failed" not in answer and "1 GiB" in answer, answer
        source = target


@pytest.mark.parametrize(("text", "size"), [("", 256), ("a\nb", 256), ("abc", 128)])
def test_keys_that_are_none(text: str, size: int) -> None:
    with pytest.raises(SpecInvalid):
        DiskKey(text, size)
