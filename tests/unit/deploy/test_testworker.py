"""Parallel test processes share neither a broker's database nor a state directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.environment import REPOSITORY
from deploy.testrun import pytest_command
from deploy.testworker import group_of, separate


def test_each_worker_has_its_own() -> None:
    shared = {"CELERITY_BROKER_URL": "redis://:pw@127.0.0.1:7000/0", "CELERITY_STATE_DIR": "/var/lib/state"}
    assert separate("gw0", shared) == {
        "CELERITY_BROKER_URL": "redis://:pw@127.0.0.1:7000/1",
        "CELERITY_STATE_DIR": "/var/lib/state/gw0",
    }
    assert separate("gw1", shared)["CELERITY_BROKER_URL"].endswith("/2")


@pytest.mark.parametrize(
    ("arguments", "has_heavy", "in_parallel"),
    [([], False, True), (["--all"], True, True), (["-k", "x"], True, False), (["--all", "-k", "x"], True, False)],
)
def test_heavy_tests_run_when_asked_for(
    arguments: list[str], has_heavy: bool, in_parallel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_JOBS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    command = pytest_command(arguments)
    assert ("not heavy" not in command) is has_heavy
    assert ("-n" in command) is in_parallel
    assert "--all" not in command


class Marked:
    def __init__(self, *names: str) -> None:
        self.names = names

    def iter_markers(self, kind: str) -> list[pytest.Mark]:
        return [pytest.mark.xdist_group(name).mark for name in self.names]


@pytest.mark.parametrize(("names", "group"), [((), None), (("b",), "b"), (("b", "a"), "a")])
def test_a_test_is_in_one_group(names: tuple[str, ...], group: str | None) -> None:
    assert group_of(Marked(*names)) == group


@pytest.mark.processes
def test_a_group_stays_in_one_process(tmp_path: Path) -> None:
    """What pytest-xdist 3.8 does not do with pytest 9.2: if this is mended there, deploy/testworker.py may shrink."""
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text(
            "import os, pathlib, pytest\n"
            "@pytest.mark.xdist_group('g')\n"
            "@pytest.mark.parametrize('n', range(5))\n"
            "def test(n):\n"
            "    pathlib.Path(os.environ['SEEN']).open('a').write(os.environ['PYTEST_XDIST_WORKER'] + '\\n')\n"
            "def test_other():\n    pass\n"
        )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "deploy.testworker", "-p", "no:django", "-n", "2", str(tmp_path)],
        env={
            **os.environ,
            "SEEN": str(tmp_path / "seen"),
            "PYTHONPATH": str(REPOSITORY),
            "CELERITY_STATE_DIR": str(tmp_path),
            "CELERITY_BROKER_URL": "redis://127.0.0.1:1/0",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = (tmp_path / "seen").read_text().split()
    assert len(seen) == 10
    assert len(set(seen)) == 1
