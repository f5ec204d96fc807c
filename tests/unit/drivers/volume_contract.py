"""What every volume driver must do. A subclass gives `driver`, and `image`, of 16 MiB, in the host's cache."""

from __future__ import annotations

import pytest

from tests.unit.drivers import samples
from workers.drivers.errors import SpecInvalid
from workers.drivers.volume.base import (
    ExportSpec,
    FromImage,
    FromSnapshot,
    FromVolume,
    Listening,
    Source,
    VolumeDriver,
    VolumeInfo,
    VolumeSpec,
)
from workers.drivers.volume.errors import (
    NotSupported,
    SnapshotNotFound,
    SourceUnavailable,
    TooManySnapshots,
    VolumeInUse,
    VolumeNotFound,
    VolumeTooSmall,
)


def info_of(driver: VolumeDriver, volume_id: str) -> VolumeInfo | None:
    return next((info for info in driver.list_volumes() if info.id == volume_id), None)


def made(driver: VolumeDriver, size_gib: int = 1, source: Source = None) -> str:
    volume = VolumeSpec(samples.new_id(), size_gib)
    driver.create_volume(volume, source)
    return volume.id


class VolumeContract:
    """Fixtures: `driver`; `image`, an image of 16 MiB in the host's cache."""

    @pytest.mark.parametrize("form", ["qcow2", "raw"])
    def test_create_and_delete(self, driver: VolumeDriver, form: str) -> None:
        volume = VolumeSpec(samples.new_id(), 2, form)  # type: ignore[arg-type]
        for _ in range(2):
            info = driver.create_volume(volume)
            kept = form if form in driver.capabilities.formats else "raw"
            assert (info.id, info.size_gib, info.format, info.snapshots) == (volume.id, 2, kept, ())
            assert [item.id for item in driver.list_volumes()] == [volume.id]
        for _ in range(2):
            driver.delete_volume(volume.id)
            assert driver.list_volumes() == ()
        assert driver.residue(remove=False) == ()

    @pytest.mark.parametrize("form", ["qcow2", "raw"])
    def test_sources(self, driver: VolumeDriver, image: FromImage, form: str) -> None:
        origin = made(driver, 1, image)
        driver.create_snapshot(origin, snapshot := samples.new_id())
        for source in (image, FromVolume(origin), FromSnapshot(origin, snapshot)):
            volume = VolumeSpec(samples.new_id(), 2, form)  # type: ignore[arg-type]
            assert driver.create_volume(volume, source).size_gib == 2
        driver.delete_volume(origin)
        assert len(driver.list_volumes()) == 3

    def test_a_source_that_does_not_fit(self, driver: VolumeDriver) -> None:
        huge = FromImage("/nowhere", "qcow2", 10 << 40)
        origin = made(driver, 2)
        driver.create_snapshot(origin, snapshot := samples.new_id())
        for source in (huge, FromVolume(origin), FromSnapshot(origin, snapshot)):
            with pytest.raises(VolumeTooSmall):
                made(driver, 1, source)
        assert [info.id for info in driver.list_volumes()] == [origin]

    def test_a_source_that_is_missing(self, driver: VolumeDriver) -> None:
        origin = made(driver)
        for source in (FromVolume(samples.new_id()), FromSnapshot(origin, samples.new_id())):
            with pytest.raises(SourceUnavailable):
                made(driver, 1, source)
        assert [info.id for info in driver.list_volumes()] == [origin]
        assert driver.residue(remove=False) == ()

    @pytest.mark.parametrize("exported", [False, True])
    def test_extend(self, driver: VolumeDriver, exported: bool) -> None:
        volume = made(driver)
        if exported:
            driver.open_export(volume, ExportSpec("e1"))
        for _ in range(2):
            driver.extend_volume(volume, 3)
            info = info_of(driver, volume)
            assert info is not None
            assert info.size_gib == 3
        with pytest.raises(VolumeTooSmall):
            driver.extend_volume(volume, 2)
        assert [export.name for export in driver.list_exports()] == ["e1"] * exported
        driver.close_export(volume, "e1")

    @pytest.mark.parametrize("exported", [False, True])
    def test_snapshots(self, driver: VolumeDriver, exported: bool) -> None:
        volume, first, second = made(driver), samples.new_id(), samples.new_id()
        if exported:
            driver.open_export(volume, ExportSpec("e1"))
        for snapshot in (first, second, first):
            driver.create_snapshot(volume, snapshot)
        info = info_of(driver, volume)
        assert info is not None
        assert info.snapshots == tuple(sorted((first, second)))
        for _ in range(2):
            driver.delete_snapshot(volume, first)
        info = info_of(driver, volume)
        assert info is not None
        assert info.snapshots == (second,)
        driver.close_export(volume, "e1")

    def test_revert(self, driver: VolumeDriver) -> None:
        volume, snapshot = made(driver), samples.new_id()
        driver.create_snapshot(volume, snapshot)
        driver.extend_volume(volume, 2)
        driver.open_export(volume, ExportSpec("e1"))
        with pytest.raises(VolumeInUse):
            driver.revert_volume(volume, snapshot)
        driver.close_export(volume, "e1")
        with pytest.raises(SnapshotNotFound):
            driver.revert_volume(volume, samples.new_id())
        for _ in range(2):
            driver.revert_volume(volume, snapshot)
            info = info_of(driver, volume)
            assert info is not None
            assert (info.size_gib, info.snapshots) == (1, (snapshot,))

    def test_convert(self, driver: VolumeDriver) -> None:
        volume, snapshot = made(driver), samples.new_id()
        if driver.capabilities.formats == ("raw",):
            return
        driver.open_export(volume, ExportSpec("e1"))
        with pytest.raises(VolumeInUse):
            driver.convert_volume(volume, "raw")
        driver.close_export(volume, "e1")
        driver.create_snapshot(volume, snapshot)
        with pytest.raises(NotSupported):
            driver.convert_volume(volume, "raw")
        driver.delete_snapshot(volume, snapshot)
        for form in ("raw", "raw", "qcow2"):
            driver.convert_volume(volume, form)  # type: ignore[arg-type]
            info = info_of(driver, volume)
            assert info is not None
            assert info.format == form

    def test_write_an_image(self, driver: VolumeDriver, image: FromImage) -> None:
        export = driver.open_export(made(driver, 1), ExportSpec("e1"))
        for _ in range(2):
            driver.write_image(export, image)
        with pytest.raises(VolumeTooSmall):
            driver.write_image(export, FromImage(image.path, "qcow2", 10 << 40))
        driver.close_export(export.volume_id, "e1")

    def test_chains_are_bounded(self, driver: VolumeDriver) -> None:
        if not driver.capabilities.max_chain:
            pytest.skip("they are not")
        volume = made(driver)
        snapshots = [samples.new_id() for _ in range(driver.capabilities.max_chain - 1)]
        for snapshot in snapshots:
            driver.create_snapshot(volume, snapshot)
        with pytest.raises(TooManySnapshots):
            driver.create_snapshot(volume, samples.new_id())
        clone = made(driver, 1, FromSnapshot(volume, snapshots[-1]))  # a copy: its chain is short
        driver.create_snapshot(clone, samples.new_id())
        driver.delete_snapshot(volume, snapshots[5])
        driver.create_snapshot(volume, samples.new_id())

    def test_exports(self, driver: VolumeDriver) -> None:
        volume = made(driver)
        first = driver.open_export(volume, ExportSpec("first-0a1b"))
        assert driver.open_export(volume, ExportSpec("first-0a1b")) == first
        second = driver.open_export(volume, ExportSpec("second", readonly=True))
        assert (first.volume_id, first.socket) == (volume, second.socket)
        assert set(driver.list_exports()) == {first, second}
        with pytest.raises(VolumeInUse):
            driver.delete_volume(volume)
        if "qcow2" in driver.capabilities.formats:  # two guests that write would destroy it
            with pytest.raises(VolumeInUse):
                driver.open_export(volume, ExportSpec("third"))
        for _ in range(2):
            driver.close_export(volume, "first-0a1b")
            assert driver.list_exports() == (second,)
        driver.close_export(volume, "second")
        assert driver.list_exports() == ()
        driver.delete_volume(volume)

    def test_one_owner_has_two_exports_while_it_moves(self, driver: VolumeDriver) -> None:
        volume, owner = made(driver), samples.new_id()
        for name in ("here", "there", "here"):
            driver.open_export(volume, ExportSpec(name, owner=owner))
        if "qcow2" in driver.capabilities.formats:
            with pytest.raises(VolumeInUse):
                driver.open_export(volume, ExportSpec("other", owner=samples.new_id()))
        driver.close_export(volume, "here")
        assert [export.name for export in driver.list_exports()] == ["there"]
        driver.close_export(volume, None)

    def test_a_raw_volume_has_several_writers(self, driver: VolumeDriver) -> None:
        volume = VolumeSpec(samples.new_id(), 1, "raw")
        driver.create_volume(volume)
        for name in ("first", "second"):
            driver.open_export(volume.id, ExportSpec(name))
        assert len(driver.list_exports()) == 2
        for _ in range(2):
            driver.close_export(volume.id, None)
            assert driver.list_exports() == ()

    def test_a_volume_that_is_not_there(self, driver: VolumeDriver) -> None:
        nobody, snapshot = samples.new_id(), samples.new_id()
        driver.delete_volume(nobody)
        driver.delete_snapshot(nobody, snapshot)
        driver.close_export(nobody, "e1")
        for call in (
            lambda: driver.extend_volume(nobody, 2),
            lambda: driver.create_snapshot(nobody, snapshot),
            lambda: driver.revert_volume(nobody, snapshot),
            lambda: driver.open_export(nobody, ExportSpec("e1")),
        ):
            with pytest.raises(VolumeNotFound):
                call()
        assert driver.list_volumes() == ()

    @pytest.mark.parametrize("name", ["../../etc", "", "x", "A" * 36])
    def test_ids_that_are_paths(self, driver: VolumeDriver, name: str) -> None:
        with pytest.raises(SpecInvalid):
            VolumeSpec(name, 1)
        for call in (
            lambda: driver.delete_volume(name),
            lambda: driver.extend_volume(name, 1),
            lambda: driver.create_snapshot(samples.new_id(), name),
            lambda: driver.delete_snapshot(name, samples.new_id()),
            lambda: driver.close_export(name, "e1"),
        ):
            with pytest.raises(SpecInvalid):
                call()

    @pytest.mark.parametrize("name", ["", "1", "a b", "a,id=b", "é", "a" * 64, "../a"])
    def test_names_of_exports(self, name: str) -> None:
        with pytest.raises(SpecInvalid):
            ExportSpec(name)

    @pytest.mark.parametrize("word", ["", "a b", "a,id=b", "-a", "a=b"])
    def test_words_of_listening(self, word: str) -> None:
        for values in ((word, "192.0.2.1", 10900), ("host", word, 10900), ("host", "192.0.2.1", 0)):
            with pytest.raises(SpecInvalid):
                Listening(*values)

    def test_pool(self, driver: VolumeDriver) -> None:
        pool = driver.pool()
        assert 0 <= pool.free_gib <= pool.total_gib
        assert pool.total_gib > 0
