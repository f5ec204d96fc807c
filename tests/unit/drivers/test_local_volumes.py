"""Local volumes keep the contract, over real files and real exports. Needs QEMU's tools; not root."""

from __future__ import annotations

import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.unit.drivers import local_volumes, samples
from tests.unit.drivers.local_volumes import client, files_of, needs_tools, run, work
from tests.unit.drivers.volume_contract import VolumeContract, made
from workers.drivers.errors import Stopped
from workers.drivers.volume import copying
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import ExportSpec, FromImage, FromSnapshot, FromVolume, VolumeSpec
from workers.drivers.volume.errors import NotSupported, PoolFull, SourceUnavailable
from workers.drivers.volume.local.driver import LocalVolumes

pytestmark = needs_tools
driver, image, run_dir = local_volumes.driver, local_volumes.image, local_volumes.run_dir


class TestContract(VolumeContract):
    """See VolumeContract."""


class TestContent:
    def test_an_image_and_the_volumes_on_it(self, driver: LocalVolumes, image: FromImage) -> None:
        first, second = made(driver, 1, image), made(driver, 2, image)
        work(driver, first, "read -P 7 0 1M", "read -P 0 16M 1M", "write -q -P 1 0 64k", "flush")
        work(driver, second, "read -P 7 0 1M", "read -P 0 2047M 1M")
        Path(image.path).unlink()  # the cache evicted it
        work(driver, first, "read -P 1 0 64k", "read -P 7 64k 960k")

    @pytest.mark.parametrize("form", ["qcow2", "raw"])
    def test_an_image_over_what_was_written(self, driver: LocalVolumes, image: FromImage, form: Any) -> None:
        volume, snapshot = VolumeSpec(samples.new_id(), 1, form), samples.new_id()
        driver.create_volume(volume)
        work(driver, volume.id, "write -q -P 5 0 2M", "write -q -P 5 1000M 1M", "flush")
        driver.create_snapshot(volume.id, snapshot)
        export = driver.open_export(volume.id, ExportSpec("e1"))
        driver.write_image(export, image)
        client(export, "read -P 7 0 1M", "read -P 0 1M 1023M")
        stopped = threading.Event()
        stopped.set()
        with pytest.raises(Stopped):
            driver.write_image(export, image, stopped)
        driver.close_export(volume.id, "e1")
        copy = made(driver, 1, FromSnapshot(volume.id, snapshot))
        work(driver, copy, "read -P 5 0 2M", "read -P 5 1000M 1M")

    def test_an_image_that_was_evicted(self, driver: LocalVolumes, image: FromImage, tmp_path: Path) -> None:
        Path(image.path).unlink()
        with pytest.raises(SourceUnavailable):
            made(driver, 1, image)
        assert not list((tmp_path / "volumes").iterdir())

    @pytest.mark.parametrize("form", ["qcow2", "raw"])
    def test_a_raw_image(self, driver: LocalVolumes, tmp_path: Path, form: str) -> None:
        path = tmp_path / "raw"
        path.write_bytes(b"\x05" * (1 << 20))
        volume = VolumeSpec(samples.new_id(), 1, form)  # type: ignore[arg-type]
        driver.create_volume(volume, FromImage(str(path), "raw", 1 << 20))
        work(driver, volume.id, "read -P 5 0 1M", "read -P 0 1M 1M", "write -q -P 1 0 1M")
        assert path.read_bytes() == b"\x05" * (1 << 20)

    def test_write_snapshot_write_more_revert(self, driver: LocalVolumes) -> None:
        volume, snapshot = made(driver), samples.new_id()
        work(driver, volume, "write -q -P 1 0 1M")
        driver.create_snapshot(volume, snapshot)
        work(driver, volume, "write -q -P 2 0 512k", "read -P 1 512k 512k")
        clone = made(driver, 1, FromSnapshot(volume, snapshot))
        driver.revert_volume(volume, snapshot)
        work(driver, volume, "read -P 1 0 1M", "write -q -P 3 0 1M")
        driver.delete_snapshot(volume, snapshot)
        work(driver, volume, "read -P 3 0 1M")
        driver.delete_volume(volume)
        work(driver, clone, "read -P 1 0 1M")

    def test_a_snapshot_of_an_exported_volume(self, driver: LocalVolumes) -> None:
        volume, first, second = made(driver), samples.new_id(), samples.new_id()
        export = driver.open_export(volume, ExportSpec("e1"))
        client(export, "write -q -P 1 0 1M")
        driver.create_snapshot(volume, first)
        client(export, "read -P 1 0 1M", "write -q -P 2 0 64k")
        driver.create_snapshot(volume, second)
        client(export, "write -q -P 3 64k 64k")
        clone = made(driver, 1, FromVolume(volume))
        client(export, "write -q -P 4 0 1M")
        for snapshot, checks in ((first, ["read -P 1 0 1M"]), (second, ["read -P 2 0 64k", "read -P 1 64k 64k"])):
            work(driver, made(driver, 1, FromSnapshot(volume, snapshot)), *checks)
        work(driver, clone, "read -P 2 0 64k", "read -P 3 64k 64k", "read -P 1 128k 64k")
        for snapshot in (first, second):
            driver.delete_snapshot(volume, snapshot)
        client(export, "read -P 4 0 1M")

    def test_deleted_snapshots_are_merged(self, driver: LocalVolumes, tmp_path: Path) -> None:
        volume, snapshots = made(driver), [samples.new_id() for _ in range(4)]
        for number, snapshot in enumerate(snapshots):
            work(driver, volume, f"write -q -P {number + 1} {number * 64}k 64k")
            driver.create_snapshot(volume, snapshot)
        export = driver.open_export(volume, ExportSpec("e1"))
        for snapshot in snapshots[:3]:
            driver.delete_snapshot(volume, snapshot)
        assert len(files_of(tmp_path, volume)) == 3  # the record, what is written to, the last snapshot
        checks = [f"read -P {number + 1} {number * 64}k 64k" for number in range(4)]
        client(export, *checks, "write -q -P 9 0 64k")
        driver.close_export(volume, "e1")
        driver.delete_snapshot(volume, snapshots[3])
        assert len(files_of(tmp_path, volume)) == 2
        work(driver, volume, "read -P 9 0 64k", *checks[1:])

    def test_branches_after_a_revert(self, driver: LocalVolumes) -> None:
        """What was merged below two branches is below both, also for a copy that reads the headers."""
        volume, first, second, third = made(driver), *(samples.new_id() for _ in range(3))
        for number, snapshot in enumerate((first, second)):
            work(driver, volume, f"write -q -P {number + 1} {number}M 1M")
            driver.create_snapshot(volume, snapshot)
        work(driver, volume, "write -q -P 3 2M 1M")
        driver.create_snapshot(volume, third)
        driver.revert_volume(volume, second)
        work(driver, volume, "write -q -P 4 2M 1M")
        driver.delete_snapshot(volume, first)
        checks = ("read -P 1 0 1M", "read -P 2 1M 1M")
        work(driver, volume, *checks, "read -P 4 2M 1M")
        copy = VolumeSpec(samples.new_id(), 1, "raw")
        driver.create_volume(copy, FromSnapshot(volume, third))
        work(driver, copy.id, *checks, "read -P 3 2M 1M")

    def test_a_merge_leaves_clones_alone(self, driver: LocalVolumes) -> None:
        volume, snapshot = made(driver), samples.new_id()
        work(driver, volume, "write -q -P 1 0 64k")
        driver.create_snapshot(volume, snapshot)
        clone = made(driver, 1, FromSnapshot(volume, snapshot))
        work(driver, volume, "write -q -P 2 0 64k")
        driver.delete_snapshot(volume, snapshot)
        work(driver, clone, "read -P 1 0 64k", "write -q -P 3 0 64k")
        work(driver, volume, "read -P 2 0 64k")

    def test_clones_of_an_unchanged_volume_share_a_layer(self, driver: LocalVolumes, tmp_path: Path) -> None:
        origin = made(driver)
        work(driver, origin, "write -q -P 1 0 64k")
        clones = [made(driver, 1, FromVolume(origin)) for _ in range(3)]
        assert len(files_of(tmp_path, origin)) == 3
        for clone in clones:
            work(driver, clone, "read -P 1 0 64k")

    def test_extend_while_exported(self, driver: LocalVolumes) -> None:
        volume = made(driver)
        export = driver.open_export(volume, ExportSpec("e1"))
        client(export, "write -q -P 1 0 64k")
        driver.create_snapshot(volume, samples.new_id())
        driver.extend_volume(volume, 2)
        client(export, "read -P 1 0 64k", "read -P 0 1536M 64k", "write -q -P 2 1536M 64k")
        work(driver, made(driver, 2, FromVolume(volume)), "read -P 2 1536M 64k")

    def test_a_raw_volume_is_copied_while_it_is_free(self, driver: LocalVolumes) -> None:
        volume, snapshot = VolumeSpec(samples.new_id(), 1, "raw"), samples.new_id()
        driver.create_volume(volume)
        export = driver.open_export(volume.id, ExportSpec("e1"))
        client(export, "write -q -P 1 0 64k")
        for call in (
            lambda: driver.create_snapshot(volume.id, snapshot),
            lambda: made(driver, 1, FromVolume(volume.id)),
        ):
            with pytest.raises(NotSupported):
                call()
        driver.close_export(volume.id, "e1")
        driver.create_snapshot(volume.id, snapshot)
        clone = made(driver, 1, FromVolume(volume.id))
        work(driver, volume.id, "write -q -P 2 0 64k")
        driver.revert_volume(volume.id, snapshot)
        for volume_id in (volume.id, clone):
            work(driver, volume_id, "read -P 1 0 64k")


class TestGuestsBytes:
    """OSSA-2015-011, OSSA-2014-033 and their like: what a guest writes is data, whatever it looks like."""

    @staticmethod
    def poison() -> bytes:
        """A qcow2 header whose backing file is a file of the host."""
        name = b"/etc/hostname"
        header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 72, len(name), 16, 1 << 20, 0, 1, 0, 0, 0, 0, 0)
        return header.ljust(72, b"\0") + name

    def test_a_qcow2_header_in_a_raw_volume(self, driver: LocalVolumes, tmp_path: Path) -> None:
        volume, snapshot, poison = VolumeSpec(samples.new_id(), 1, "raw"), samples.new_id(), tmp_path / "poison"
        poison.write_bytes(self.poison().ljust(512, b"\0"))
        driver.create_volume(volume)
        work(driver, volume.id, f"write -q -s {poison} 0 512")
        driver.create_snapshot(volume.id, snapshot)
        clones = [made(driver, 1, source) for source in (FromVolume(volume.id), FromSnapshot(volume.id, snapshot))]
        raw = VolumeSpec(samples.new_id(), 1, "raw")
        driver.create_volume(raw, FromSnapshot(volume.id, snapshot))
        driver.extend_volume(volume.id, 2)
        driver.revert_volume(volume.id, snapshot)
        for volume_id in (volume.id, raw.id, *clones):
            export = driver.open_export(volume_id, ExportSpec("check"))
            target = tmp_path / "copy"
            run("qemu-img", "dd", "-f", "raw", "-O", "raw", f"if=nbd+unix:///check?socket={export.socket}",
                f"of={target}", "bs=512", "count=1")  # fmt: skip
            assert target.read_bytes() == poison.read_bytes()
            driver.close_export(volume_id, "check")
        for form in ("raw", "qcow2"):  # an upload: what is read is never taken for a file's name
            path = driver.read_volume(volume.id, form)
            run("qemu-img", "dd", "-f", form, "-O", "raw", f"if={path}", f"of={target}", "bs=512", "count=1")
            assert target.read_bytes() == poison.read_bytes()


def test_a_pool_keeps_its_reserve(tmp_path: Path, run_dir: Path) -> None:
    full = volumes.load("local", {"state_dir": tmp_path, "run_dir": run_dir, "reserved_gib": 1 << 30})
    with pytest.raises(PoolFull):
        made(full)
    assert full.list_volumes() == ()


def test_a_copy_from_one_export_to_another(driver: LocalVolumes, image: FromImage) -> None:
    """What a volume has, the other one's reads as, zeros and all."""
    one, other = VolumeSpec(samples.new_id(), 1), VolumeSpec(samples.new_id(), 1, "raw")
    driver.create_volume(one, image)
    driver.create_volume(other)
    source = driver.open_export(one.id, ExportSpec("source", readonly=True))
    target = driver.open_export(other.id, ExportSpec("target"))
    copying.copy(source, target)
    client(target, "read -P 7 0 1M", "read -P 0 1M 15M")
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        copying.copy(source, target, stop)


def test_another_format_has_the_same_content(driver: LocalVolumes, image: FromImage, tmp_path: Path) -> None:
    """Of an image, of the volume's own layer; nothing else is left."""
    volume = made(driver, 1, image)
    work(driver, volume, "write -P 9 20M 1M")
    for form in ("raw", "qcow2"):
        driver.convert_volume(volume, form)  # type: ignore[arg-type]
        work(driver, volume, "read -P 7 0 1M", "read -P 9 20M 1M", "read -P 0 21M 1M")
        assert {name.rpartition(".")[2] for name in files_of(tmp_path, volume)} == {form, "json"}
    assert driver.residue(remove=False) == ()
