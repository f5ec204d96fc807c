"""What every storage driver must do. A subclass gives `driver`, and `image` with its `source`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.drivers import samples
from workers.drivers.errors import SpecInvalid
from workers.drivers.storage.base import ImageSource, ImageSpec, StorageDriver
from workers.drivers.storage.errors import (
    DiskTooSmall,
    FilesMissing,
    ImageInUse,
    ImageUnavailable,
    ImageUnsafe,
    SendingFailed,
)
from workers.drivers.storage.inspection import inspect


class StorageContract:
    """Fixtures: `driver`; `image`, a qcow2 image of 16 MiB virtual size, and its `source`."""

    def test_has_image(self, driver: StorageDriver, image: ImageSpec, source: ImageSource) -> None:
        assert not driver.has_image(image.sha512)
        driver.cache_image(image, source)
        assert driver.has_image(image.sha512)
        driver.evict_image(image.sha512)
        assert not driver.has_image(image.sha512)

    def test_cache_and_evict(self, driver: StorageDriver, image: ImageSpec, source: ImageSource) -> None:
        told: list[tuple[int, int]] = []
        for _ in range(2):
            cached = driver.cache_image(image, source, lambda done, total: told.append((done, total)))
            assert (cached.format, cached.virtual_size) == ("qcow2", 16 << 20)
            assert [item.sha512 for item in driver.list_images()] == [image.sha512]
        assert told[-1] == (image.size, image.size)
        assert told.count(told[-1]) == 1
        for _ in range(2):
            driver.evict_image(image.sha512)
            assert driver.list_images() == ()

    def test_what_is_whole_is_left_alone(self, driver: StorageDriver, image: ImageSpec, source: ImageSource) -> None:
        driver.create_root(samples.new_id(), driver.cache_image(image, source), 1)
        assert driver.residue(remove=True) == ()
        assert driver.damaged_images() == ()
        assert [item.sha512 for item in driver.list_images()] == [image.sha512]

    def test_the_same_bits_under_another_format(
        self, driver: StorageDriver, image: ImageSpec, source: ImageSource
    ) -> None:
        driver.cache_image(image, source)
        liar = ImageSpec(samples.new_id(), image.sha512, image.size, "raw")
        with pytest.raises(ImageUnsafe):
            driver.cache_image(liar, source)

    def test_root(self, driver: StorageDriver, image: ImageSpec, source: ImageSource) -> None:
        cached = driver.cache_image(image, source)
        server = samples.new_id()
        disk = driver.create_root(server, cached, 1)
        assert (disk.format, disk.size_bytes) == ("qcow2", 1 << 30)
        assert (disk.backing_path, disk.backing_format) == (cached.path, "qcow2")
        assert driver.create_root(server, cached, 1) == disk
        assert driver.list_servers() == (server,)
        with pytest.raises(ImageInUse):
            driver.evict_image(image.sha512)
        for _ in range(2):
            driver.remove_server(server)
            assert driver.list_servers() == ()
        driver.evict_image(image.sha512)

    def test_root_of_the_images_own_size(self, driver: StorageDriver, image: ImageSpec, source: ImageSource) -> None:
        disk = driver.create_root(samples.new_id(), driver.cache_image(image, source), 0)
        assert disk.size_bytes == 16 << 20

    def test_root_without_an_image(self, driver: StorageDriver) -> None:
        disk = driver.create_root(samples.new_id(), None, 2)
        assert (disk.size_bytes, disk.backing_path) == (2 << 30, None)
        with pytest.raises(DiskTooSmall):
            driver.create_root(samples.new_id(), None, 0)

    def test_root_smaller_than_the_image(self, driver: StorageDriver) -> None:
        from workers.drivers.storage.base import CachedImage

        huge = CachedImage("/nowhere", "qcow2", 10 << 40, "a" * 128)
        with pytest.raises(DiskTooSmall):
            driver.create_root(samples.new_id(), huge, 1)
        assert driver.list_servers() == ()

    def test_root_on_an_image_that_went(self, driver: StorageDriver, image: ImageSpec, source: ImageSource) -> None:
        cached = driver.cache_image(image, source)
        driver.evict_image(image.sha512)
        with pytest.raises(ImageUnavailable):
            driver.create_root(samples.new_id(), cached, 1)
        assert driver.list_servers() == ()

    def test_other_disks(self, driver: StorageDriver) -> None:
        server = samples.new_id()
        for _ in range(2):
            assert driver.create_ephemeral(server, 0, 1).size_bytes == 1 << 30
            assert driver.create_ephemeral(server, 1, 1).path != driver.create_ephemeral(server, 0, 1).path
            assert driver.create_swap(server, 64).size_bytes == 64 << 20
            assert driver.create_config_drive(server, {"openstack/latest/meta_data.json": b"{}"}).format == "iso"
        assert driver.list_servers() == (server,)
        driver.remove_server(server)
        assert driver.list_servers() == ()

    def test_snapshots(self, driver: StorageDriver, image: ImageSpec, source: ImageSource) -> None:
        """A file of the image store's format, as large as the disk, gone with its server or before."""
        server, nobody = samples.new_id(), samples.new_id()
        driver.create_root(server, driver.cache_image(image, source), 1)
        for make in (driver.prepare_snapshot, driver.snapshot_root, driver.snapshot_root):
            with pytest.raises(FilesMissing):
                make(nobody)
            disk = make(server)
            assert (disk.format, disk.size_bytes, disk.backing_path) == ("qcow2", 1 << 30, None)
            assert inspect(Path(disk.path), "qcow2") == 1 << 30
            assert driver.list_snapshots() == (server,)
        assert driver.list_servers() == (server,)
        for _ in range(2):
            driver.remove_snapshot(server)
            assert driver.list_snapshots() == ()
            assert not Path(disk.path).exists()
        with pytest.raises(FilesMissing):
            driver.send_snapshot(server, "http://127.0.0.1:1/")
        driver.prepare_snapshot(server)
        with pytest.raises(SendingFailed):
            driver.send_snapshot(server, "http://127.0.0.1:1/")
        driver.remove_server(server)
        assert driver.list_snapshots() == ()

    @pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", "a//b", "", "a\nb", "a;1", "x" * 65, "."])
    def test_config_drive_paths(self, driver: StorageDriver, path: str) -> None:
        server = samples.new_id()
        with pytest.raises(SpecInvalid):
            driver.create_config_drive(server, {path: b"x"})

    def test_ids_that_are_paths(self, driver: StorageDriver) -> None:
        for name in ("../../etc", "", "x", "A" * 36):
            with pytest.raises(SpecInvalid):
                driver.remove_server(name)
            with pytest.raises(SpecInvalid):
                driver.create_swap(name, 64)
        with pytest.raises(SpecInvalid):
            driver.evict_image("../../etc/passwd")

    def test_boot_files(self, driver: StorageDriver, image: ImageSpec, source: ImageSource) -> None:
        """They live as long as the disk that boots by them; another kernel takes the place of the first."""
        cached, server = driver.cache_image(image, source), samples.new_id()
        driver.create_root(server, cached, 1)
        assert driver.boot_file(server, "root-kernel", image.sha512) is None
        for name in ("root-kernel", "root-ramdisk", "rescue-kernel"):
            path = driver.create_boot_file(server, name, cached)
            assert driver.boot_file(server, name, image.sha512) == path
        driver.remove_disk(server, "rescue")
        assert driver.boot_file(server, "rescue-kernel", image.sha512) is None
        assert driver.boot_file(server, "root-ramdisk", image.sha512)
        driver.remove_disk(server, "root")
        assert driver.boot_file(server, "root-kernel", image.sha512) is None
        with pytest.raises(SpecInvalid):
            driver.boot_file(server, "../kernel", image.sha512)
        driver.remove_server(server)
        driver.evict_image(image.sha512)

    def test_usage(self, driver: StorageDriver) -> None:
        use = driver.usage()
        assert 0 <= use.free_gib <= use.total_gib
        assert use.total_gib > 0
