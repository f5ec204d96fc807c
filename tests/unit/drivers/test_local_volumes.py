"""Local volumes keep the contract, over real files and real exports. Needs QEMU's tools; not root."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from tests.unit.drivers.volume_contract import VolumeContract, info_of, made
from workers.drivers.errors import Stopped
from workers.drivers.volume import copying
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import Export, ExportSpec, FromImage, FromSnapshot, FromVolume, VolumeSpec
from workers.drivers.volume.errors import NotSupported, PoolBusy, PoolFull, PoolUnavailable, SourceUnavailable
from workers.drivers.volume.local import records
from workers.drivers.volume.local.daemon import Daemon
from workers.drivers.volume.local.driver import LocalVolumes
from workers.system import processes

TOOLS = ("qemu-img", "qemu-io", "qemu-storage-daemon")
pytestmark = pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="needs QEMU's tools")


def run(*argv: object) -> str:
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """A short path: sockets are below it."""
    with tempfile.TemporaryDirectory(prefix="cly-v", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture
def driver(tmp_path: Path, run_dir: Path) -> Iterator[LocalVolumes]:
    driver = volumes.load("local", {"state_dir": tmp_path, "run_dir": run_dir, "reserved_gib": 0})
    assert isinstance(driver, LocalVolumes)
    yield driver
    for export in driver.list_exports():
        driver.close_export(export.volume_id, export.name)
    assert not list(run_dir.glob("*/*"))


@pytest.fixture
def image(tmp_path: Path) -> FromImage:
    path = tmp_path / ("a" * 128)
    run("qemu-img", "create", "-q", "-f", "qcow2", path, "16M")
    run("qemu-io", "-f", "qcow2", "-c", "write -q -P 7 0 1M", path)
    path.chmod(0o444)
    return FromImage(str(path), "qcow2", 16 << 20)


def client(export: Export, *commands: str) -> None:
    """Be a guest of an export: run qemu-io's commands; a read with -P fails where the bytes differ."""
    options = {"driver": "nbd", "server": {"type": "unix", "path": export.socket}, "export": export.name}
    words = [word for command in commands for word in ("-c", command)]
    output = run("qemu-io", f"json:{json.dumps(options)}", *words)
    assert "failed" not in output, output


def work(driver: LocalVolumes, volume_id: str, *commands: str) -> None:
    """Export a volume, run commands on it, close the export."""
    client(driver.open_export(volume_id, ExportSpec("work")), *commands)
    driver.close_export(volume_id, "work")


def files_of(tmp_path: Path, volume_id: str) -> list[str]:
    return sorted(path.name for path in (tmp_path / "volumes" / volume_id).iterdir())


def interrupted(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, call: Callable[[], object], after: int = 0
) -> None:
    """Be killed at a method's call; the first ``after`` calls go well."""
    original, left = getattr(owner, name), after

    def killed(*arguments: Any) -> Any:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        with pytest.raises(KeyboardInterrupt):
            call()


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


class TestExports:
    def test_only_the_hypervisors_account_may_connect(self, driver: LocalVolumes) -> None:
        socket = Path(driver.open_export(made(driver), ExportSpec("e1")).socket)
        assert socket.stat().st_mode & 0o777 == 0o600
        assert len(str(socket)) < 108

    def test_read_only(self, driver: LocalVolumes) -> None:
        volume = made(driver)
        export = driver.open_export(volume, ExportSpec("e1", readonly=True))
        driver.extend_volume(volume, 2)  # closes it and opens it again
        options = {"driver": "nbd", "server": {"type": "unix", "path": export.socket}, "export": "e1"}
        writing = subprocess.run(["qemu-io", "-c", "write 0 1", f"json:{json.dumps(options)}"], check=False)
        assert writing.returncode != 0

    def test_another_driver_adopts_them(self, driver: LocalVolumes, tmp_path: Path, run_dir: Path) -> None:
        volume = made(driver)
        export = driver.open_export(volume, ExportSpec("e1"))
        pid = processes.read_pid_file(Path(export.socket).with_name("pid"))
        other = volumes.load("local", {"state_dir": tmp_path, "run_dir": run_dir})
        assert other.list_exports() == (export,)
        assert other.open_export(volume, ExportSpec("e1")) == export
        assert processes.read_pid_file(Path(export.socket).with_name("pid")) == pid
        client(export, "read -P 0 0 64k")

    def test_a_process_that_was_killed(self, driver: LocalVolumes) -> None:
        volume = made(driver)
        export = driver.open_export(volume, ExportSpec("e1"))
        client(export, "write -q -P 1 0 64k", "flush")
        process = processes.read_pid_file(Path(export.socket).with_name("pid"))
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        eventually(lambda: not process.command_line())
        assert driver.list_exports() == ()
        assert driver.open_export(volume, ExportSpec("e1")) == export
        client(export, "read -P 1 0 64k")

    def test_a_process_that_does_not_start(self, driver: LocalVolumes, tmp_path: Path) -> None:
        volume = made(driver)
        layer = next((tmp_path / "volumes" / volume).glob("*.qcow2"))
        layer.write_bytes(b"broken")
        with pytest.raises(PoolUnavailable) as caught:
            driver.open_export(volume, ExportSpec("e1"))
        assert str(tmp_path) not in caught.value.message
        assert driver.list_exports() == ()
        driver.close_export(volume, "e1")


class TestInterrupted:
    def test_a_merge_frees_its_file_while_the_volume_is_attached(self, driver: LocalVolumes) -> None:
        volume, snapshots = made(driver), [samples.new_id(), samples.new_id()]
        export = driver.open_export(volume, ExportSpec("e1"))
        for snapshot in snapshots:
            client(export, "write -q -P 1 0 1M")
            driver.create_snapshot(volume, snapshot)
        driver.delete_snapshot(volume, snapshots[0])
        process = processes.read_pid_file(Path(export.socket).with_name("pid"))
        assert process is not None
        opened = [os.readlink(path) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
        assert not [path for path in opened if path.endswith("(deleted)") and ".qcow2" in path]

    def test_a_merge_cut_short_is_taken_up(self, driver: LocalVolumes, monkeypatch: pytest.MonkeyPatch) -> None:
        """Killed while the job runs, and killed after it: the next deletion finds it, and so does the one after."""
        volume, snapshots = made(driver), [samples.new_id() for _ in range(4)]
        export = driver.open_export(volume, ExportSpec("e1"))
        for number, snapshot in enumerate(snapshots):
            client(export, f"write -q -P {number + 1} {number}M 1M")
            driver.create_snapshot(volume, snapshot)
        for name in ("_finish", "merge"):
            interrupted(monkeypatch, Daemon, name, lambda: driver.delete_snapshot(volume, snapshots[0]))
        driver.delete_snapshot(volume, snapshots[0])
        interrupted(monkeypatch, records.Directory, "save", lambda: driver.delete_snapshot(volume, snapshots[1]), 1)
        driver.delete_snapshot(volume, snapshots[1])
        driver.delete_snapshot(volume, snapshots[2])
        client(export, *(f"read -P {number + 1} {number}M 1M" for number in range(4)))

    def test_an_extension_cut_short(self, driver: LocalVolumes, monkeypatch: pytest.MonkeyPatch) -> None:
        """Killed while the exports are closed: they are listed as lost, and any operation opens them again."""
        volume = made(driver)
        export = driver.open_export(volume, ExportSpec("e1"))
        interrupted(monkeypatch, Daemon, "heal", lambda: driver.extend_volume(volume, 2), 1)
        assert driver.list_exports() == ()
        driver.extend_volume(volume, 2)
        assert driver.list_exports() == (export,)
        client(export, "read -P 0 1536M 64k")
        interrupted(monkeypatch, Daemon, "heal", lambda: driver.extend_volume(volume, 3), 1)
        assert driver.open_export(volume, ExportSpec("e1")) == export
        client(export, "read -P 0 1536M 64k")

    def test_a_volume_that_is_busy(self, driver: LocalVolumes, monkeypatch: pytest.MonkeyPatch) -> None:
        """Others get an error soon, and lists do not wait."""
        volume = made(driver)
        export = driver.open_export(volume, ExportSpec("e1"))
        monkeypatch.setattr("workers.drivers.volume.local.pool._LOCK_TIMEOUT_S", 0.05)
        with driver._locked(volume):
            with pytest.raises(PoolBusy):
                driver.close_export(volume, "e1")
            assert driver.list_exports() == (export,)
            assert [info.id for info in driver.list_volumes()] == [volume]

    def test_a_copy_that_is_stopped(self, driver: LocalVolumes, image: FromImage, tmp_path: Path) -> None:
        volume, stop = VolumeSpec(samples.new_id(), 1, "raw"), threading.Event()
        assert driver.copies(volume, image)
        stop.set()
        with pytest.raises(Stopped):
            driver.create_volume(volume, image, stop)
        assert not list((tmp_path / "volumes").iterdir())

    def test_clones_that_are_gone_give_their_layers_back(self, driver: LocalVolumes) -> None:
        volume = made(driver)
        export = driver.open_export(volume, ExportSpec("e1"))
        for _ in range(driver.capabilities.max_chain + 2):
            client(export, "write -q -P 1 0 64k")
            driver.delete_volume(made(driver, 1, FromVolume(volume)))
        client(export, "read -P 1 0 64k")

    def test_a_snapshot_cut_short(self, driver: LocalVolumes, monkeypatch: pytest.MonkeyPatch) -> None:
        """Killed before the export switched: what is written meanwhile is in the volume, and the snapshot ends."""
        volume, snapshot = made(driver), samples.new_id()
        export = driver.open_export(volume, ExportSpec("e1"))
        with monkeypatch.context() as patch:
            patch.setattr(Daemon, "switch", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                driver.create_snapshot(volume, snapshot)
        client(export, "write -q -P 1 0 64k")
        driver.create_snapshot(volume, snapshot)
        client(export, "read -P 1 0 64k", "write -q -P 2 0 64k")
        driver.close_export(volume, "e1")
        work(driver, volume, "read -P 2 0 64k")
        info = info_of(driver, volume)
        assert info is not None
        assert info.snapshots == (snapshot,)

    def test_a_process_without_exports_is_residue(self, driver: LocalVolumes) -> None:
        """Its operation was killed: a merge of a volume that nobody has, say."""
        volume = made(driver)
        record = driver._pool.load(volume)
        assert record is not None
        driver._daemon(volume).start(record.chain)
        assert driver.residue(remove=True) == (f"process of volume {volume}",)
        assert driver.residue(remove=True) == ()

    def test_residue(self, driver: LocalVolumes, tmp_path: Path) -> None:
        volume = made(driver)
        stray, half = tmp_path / "volumes" / volume / "0123456789abcdef.qcow2", tmp_path / "volumes" / samples.new_id()
        stray.touch()
        half.mkdir()
        (half / "0123456789abcdef.raw").touch()
        assert len(driver.residue(remove=True)) == 2
        assert driver.residue(remove=True) == ()
        assert not stray.exists()
        assert not half.exists()
        work(driver, volume, "read -P 0 0 64k")


def test_a_pool_keeps_its_reserve(tmp_path: Path, run_dir: Path) -> None:
    full = volumes.load("local", {"state_dir": tmp_path, "run_dir": run_dir, "reserved_gib": 1 << 30})
    with pytest.raises(PoolFull):
        made(full)
    assert full.list_volumes() == ()


def test_two_hosts_see_a_shared_directory(tmp_path: Path, run_dir: Path) -> None:
    """Made by one host, exported by the other; an empty directory that is no mount point is refused."""
    directory = tmp_path / "nfs"
    one, two = (
        LocalVolumes(
            {"state_dir": tmp_path / name, "run_dir": run_dir / name, "volume_dir": directory, "shared": True,
             "reserved_gib": 0}
        )
        for name in ("one", "two")
    )  # fmt: skip
    with pytest.raises(PoolUnavailable, match="not mounted"):
        made(one)
    directory.mkdir()
    (directory / ".celerity-volumes").touch()
    volume = made(one)
    work(one, volume, "write -q -P 7 0 1M")
    work(two, volume, "read -P 7 0 1M")
    assert [info.shared for info in two.list_volumes()] == [True] and two.capabilities.shared
    (directory / volume / "stray").touch()
    assert two.residue(remove=True) == ()  # the other host's, maybe
    two.delete_volume(volume)
    assert one.list_volumes() == ()


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


def test_two_hosts_of_a_shared_pool(tmp_path: Path, run_dir: Path) -> None:
    """The other host leaves alone what one has open, whatever the rows say, and waits for what one works on."""
    pool = tmp_path / "pool"
    pool.mkdir()
    (pool / ".celerity-volumes").touch()
    here, there = (
        volumes.load("local", {"state_dir": tmp_path / name, "run_dir": run_dir / name, "volume_dir": pool,
                               "shared": True, "reserved_gib": 0})
        for name in ("here", "there")
    )  # fmt: skip
    (run_dir / "here").mkdir()
    (run_dir / "there").mkdir()
    volume = made(here)
    here.open_export(volume, ExportSpec("e1"))
    for call in (
        lambda: there.delete_volume(volume),
        lambda: there.extend_volume(volume, 2),
        lambda: there.create_snapshot(volume, samples.new_id()),
        lambda: there.open_export(volume, ExportSpec("e2")),
        lambda: made(there, 1, FromVolume(volume)),
    ):
        with pytest.raises(PoolBusy):
            call()
    here.extend_volume(volume, 2)
    here.close_export(volume, "e1")
    there.open_export(volume, ExportSpec("e2"))
    with pytest.raises(PoolBusy):
        here.create_snapshot(volume, samples.new_id())
    there.close_export(volume, "e2")
    with there._locked(volume), pytest.raises(PoolBusy):  # type: ignore[attr-defined]
        here.delete_volume(volume)
    here.delete_volume(volume)
    assert {path.name for path in pool.iterdir()} == {".celerity-volumes", ".celerity-locks"}


def test_another_format_has_the_same_content(driver: LocalVolumes, image: FromImage, tmp_path: Path) -> None:
    """Of an image, of the volume's own layer; nothing else is left."""
    volume = made(driver, 1, image)
    work(driver, volume, "write -P 9 20M 1M")
    for form in ("raw", "qcow2"):
        driver.convert_volume(volume, form)  # type: ignore[arg-type]
        work(driver, volume, "read -P 7 0 1M", "read -P 9 20M 1M", "read -P 0 21M 1M")
        assert {name.rpartition(".")[2] for name in files_of(tmp_path, volume)} == {form, "json"}
    assert driver.residue(remove=False) == ()
