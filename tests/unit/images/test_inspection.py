"""Detected image formats, and refused content (security classes 1 and 2)."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest

from apps.images import inspection
from tests.unit.images import samples
from workers.drivers.storage import inspection as hosts


def inspect(data: bytes, declared: str, tmp_path: Path, chunk_size: int = 4096) -> inspection.Inspection:
    file = tmp_path / "staged"
    with file.open("wb") as target:
        inspector = inspection.copy(io.BytesIO(data), target.write, cap=2**30, chunk_size=chunk_size)
    assert file.read_bytes() == data
    return inspector.finish(declared, str(file))


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (samples.qcow2(), "qcow2"),
        (samples.qcow2(version=2), "qcow2"),
        (samples.qcow2(data_at=0), "qcow2"),
        (samples.qcow2(data_at=5 * samples.CLUSTER, length=6 * samples.CLUSTER), "qcow2"),
        (samples.RAW, "raw"),
        (samples.mbr(), "raw"),
        (samples.iso(), "iso"),
    ],
)
def test_good_bits(data: bytes, declared: str, tmp_path: Path) -> None:
    facts = inspect(data, declared, tmp_path)
    assert facts.size == len(data)
    assert facts.virtual_size == (2**30 if declared == "qcow2" else facts.virtual_size)
    assert (len(facts.sha512), len(facts.md5)) == (128, 32)


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        (samples.qcow2(), "raw", "content is qcow2"),
        (samples.qcow2(), "iso", "content is qcow2"),
        (samples.RAW, "qcow2", "content is raw"),
        (samples.mbr(), "qcow2", "content is raw"),
        (samples.iso(), "raw", "content is iso"),
        (samples.flat_vmdk(), "vmdk", "not safe"),
        (samples.flat_vmdk(), "raw", "content is vmdk"),
        (samples.flat_vmdk(padding=b"\x00"), "vmdk", "content is raw"),
        (samples.flat_vmdk(padding=b"\x00"), "raw", "content is vmdk"),
        (samples.flat_vmdk() + samples.iso()[4096:], "iso", "content is vmdk"),
        (b"COWD" + samples.RAW, "raw", "content is vmdk"),
        (b"COWD" + samples.RAW, "vmdk", "content is vmdk"),
        (b"WithoutFreeSpace" + samples.RAW, "raw", "content is parallels"),
        (b"Bochs Virtual HD Image" + samples.RAW, "raw", "content is bochs"),
        (samples.RAW + b"koly" + bytes(508), "raw", "content is dmg"),
        (samples.qcow2(backing=512), "qcow2", "backing file"),
        (samples.qcow2(features=1 << 2), "qcow2", "data_file"),
        (samples.qcow2(features=1 << 9), "qcow2", "features"),
        (samples.qcow2(version=1), "qcow2", "version"),
        (samples.qcow2(encrypted=2), "qcow2", "encrypted"),
        (samples.qcow2(length=2 * samples.CLUSTER), "qcow2", "truncated"),
        (samples.qcow2(data_at=7 * samples.CLUSTER), "qcow2", "truncated"),
        (samples.qcow2()[:300], "qcow2", "content is raw"),
        (samples.qcow2(features=1 << 1), "qcow2", "corrupt"),
        (samples.qcow2(refcount_order=63), "qcow2", "reference counts"),
        (samples.qcow2(header_length=2**31), "qcow2", "length of its header"),
        (samples.qcow2(header_length=96), "qcow2", "length of its header"),
        (samples.qcow2(l1_entries=4096), "qcow2", "too large"),
        (samples.qcow2(size=2**40, l1_entries=2), "qcow2", "too small"),
        (samples.qcow2(data_at=5 * samples.CLUSTER + 512), "qcow2", "truncated"),
    ],
)
def test_bad_bits(data: bytes, declared: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(inspection.Refused, match=text):
        inspect(data, declared, tmp_path)


def test_an_image_without_a_byte_is_no_disk_and_accepted(tmp_path: Path) -> None:
    assert (inspect(b"", "qcow2", tmp_path).size, inspect(b"", "raw", tmp_path).virtual_size) == (0, 0)


def test_the_size_of_chunks_changes_nothing(tmp_path: Path) -> None:
    data = samples.qcow2()
    assert inspect(data, "qcow2", tmp_path, 100) == inspect(data, "qcow2", tmp_path, 2**20)


def test_a_stream_over_the_cap_is_stopped() -> None:
    read: list[int] = []
    with pytest.raises(OverflowError):
        inspection.copy(io.BytesIO(bytes(10_000)), lambda chunk: read.append(len(chunk)), cap=4_000, chunk_size=1_000)
    assert sum(read) == 4_000


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="needs qemu-img")
@pytest.mark.parametrize("options", [["-c"], []])
def test_what_qemu_img_wrote_is_whole_until_it_is_cut(tmp_path: Path, options: list[str]) -> None:
    raw, whole = tmp_path / "raw", tmp_path / "whole.qcow2"
    raw.write_bytes(bytes(range(256)) * 4096)
    subprocess.run(["qemu-img", "convert", *options, "-f", "raw", "-O", "qcow2", str(raw), str(whole)], check=True)
    data = whole.read_bytes()
    assert inspect(data, "qcow2", tmp_path).virtual_size == raw.stat().st_size
    with pytest.raises(inspection.Refused, match="truncated"):
        inspect(data[: len(data) - 200_000], "qcow2", tmp_path)


def test_an_encrypted_volumes_data(tmp_path: Path) -> None:
    """It is raw data for those who have the volume's key; nobody else's image may be one."""
    path = tmp_path / "sealed"
    secret = ["--object", "secret,id=key,data=passphrase", "-o", "key-secret=key,iter-time=10"]
    subprocess.run(["qemu-img", "create", "-q", "-f", "luks", *secret, str(path), "1M"], check=True)
    with pytest.raises(inspection.Refused, match="the content is luks"):
        inspect(path.read_bytes(), "raw", tmp_path)
    inspector = inspection.copy(io.BytesIO(path.read_bytes()), lambda data: len(data), cap=2**30, chunk_size=4096)
    assert inspector.finish("raw", str(path), sealed=True).virtual_size == path.stat().st_size
    assert hosts.inspect(path, "raw") == path.stat().st_size
