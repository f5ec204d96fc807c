"""What the tests of local volumes share: a driver over real files, a guest of an export, a kill at a method."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import Export, ExportSpec, FromImage
from workers.drivers.volume.local.driver import LocalVolumes

TOOLS = ("qemu-img", "qemu-io", "qemu-storage-daemon")
needs_tools = pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="needs QEMU's tools")


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
