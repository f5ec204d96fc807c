"""What the tests of volumes in a Ceph cluster share: a cluster, a driver over it, a volume's first MiB."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import ceph
from tests.unit.drivers import samples
from tests.unit.drivers.local_volumes import run
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import ExportSpec, FromImage
from workers.drivers.volume.ceph.driver import CephVolumes


@pytest.fixture(scope="module")
def cluster() -> Iterator[ceph.CephCluster]:
    with ceph.running() as cluster:
        yield cluster


@pytest.fixture
def run_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cly-v", dir="/tmp") as path:
        yield Path(path)


def driver_of(cluster: ceph.CephCluster, state: Path, run_dir: Path, **options: Any) -> CephVolumes:
    base = {"state_dir": state, "run_dir": run_dir, "reserved_gib": 0, "host": run_dir.name}
    driver = volumes.load("ceph", {**base, **cluster.options, **options})
    assert isinstance(driver, CephVolumes)
    return driver


@pytest.fixture
def driver(cluster: ceph.CephCluster, tmp_path: Path, run_dir: Path) -> Iterator[CephVolumes]:
    driver = driver_of(cluster, tmp_path, run_dir)
    yield driver
    for export in driver.list_exports():
        driver.close_export(export.volume_id, None)
    for info in reversed(driver.list_volumes()):
        driver.delete_volume(info.id)
    assert driver.residue(remove=True) == ()
    driver.close()
    assert not [path for path in run_dir.glob("*/*") if path.parent.name != "other"]


@pytest.fixture
def image(tmp_path: Path) -> FromImage:
    path = tmp_path / (samples.new_id().replace("-", "") * 4)
    run("qemu-img", "create", "-q", "-f", "qcow2", path, "16M")
    run("qemu-io", "-f", "qcow2", "-c", "write -q -P 7 0 1M", path)
    return FromImage(str(path), "qcow2", 16 << 20)


def read(driver: CephVolumes, volume: str, pattern: str) -> None:
    """A volume's first MiB has this byte."""
    export = driver.open_export(volume, ExportSpec("check", readonly=True))
    run("qemu-io", "-r", "-f", "raw", "-c", f"read -q -P {pattern} 0 1M", f"nbd+unix:///check?socket={export.socket}")
    driver.close_export(volume, "check")


def write(driver: CephVolumes, volume: str, pattern: str) -> None:
    export = driver.open_export(volume, ExportSpec("write"))
    run("qemu-io", "-f", "raw", "-c", f"write -q -P {pattern} 0 1M", f"nbd+unix:///write?socket={export.socket}")
    driver.close_export(volume, "write")
