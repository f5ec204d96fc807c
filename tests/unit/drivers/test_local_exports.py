"""Exports of local volumes, and what is killed amid an operation: taken up by the next one, nothing left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.unit.drivers import local_volumes, samples
from tests.unit.drivers.hypervisor_contract import eventually
from tests.unit.drivers.local_volumes import client, interrupted, needs_tools, work
from tests.unit.drivers.volume_contract import info_of, made
from workers.drivers.errors import Stopped
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import ExportSpec, FromImage, FromVolume, VolumeSpec
from workers.drivers.volume.errors import PoolBusy, PoolUnavailable
from workers.drivers.volume.local import records
from workers.drivers.volume.local.daemon import Daemon
from workers.drivers.volume.local.driver import LocalVolumes
from workers.system import processes

pytestmark = needs_tools
driver, image, run_dir = local_volumes.driver, local_volumes.image, local_volumes.run_dir


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
