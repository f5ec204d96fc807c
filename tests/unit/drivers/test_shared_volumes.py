"""Local volumes in a directory or a pool that two hosts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.drivers import local_volumes, samples
from tests.unit.drivers.local_volumes import needs_tools, work
from tests.unit.drivers.volume_contract import made
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import ExportSpec, FromVolume
from workers.drivers.volume.errors import PoolBusy, PoolUnavailable
from workers.drivers.volume.local.driver import LocalVolumes

pytestmark = needs_tools
run_dir = local_volumes.run_dir


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
