"""The gate, the undo stack, locks and whole files."""

# ruff: noqa: PT012  (what is tested is what happens on the way out of a block)

from __future__ import annotations

import ast
import multiprocessing
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from workers.system import files, processes
from workers.system.locks import KeyedLocks, LockTimeout, host_lock
from workers.system.undo import Undo

ROOT = Path(__file__).parents[3]
GATE = ROOT / "workers" / "system" / "processes.py"
FORBIDDEN = {"subprocess", "pty", "popen2", "commands"}
FORBIDDEN_CALLS = {"system", "popen", "fork", "posix_spawn", "posix_spawnp", "spawnv", "spawnve", "execv", "execve"}


class TestGate:
    def test_output(self) -> None:
        done = processes.run(["sh", "-c", "cat; echo err >&2"], timeout_s=5, input=b"in")
        assert (done.stdout, done.stderr, done.returncode, done.text) == (b"in", b"err\n", 0, "in")

    def test_arguments_are_not_a_shell(self) -> None:
        evil = "$(id); `id` && id | id > /tmp/x 'y\" \n *"
        assert processes.run(["printf", "%s", evil], timeout_s=5).text == evil

    @pytest.mark.parametrize("argv", ["true", b"true", [], ["true", 1], ["true", None]])
    def test_only_lists_of_words(self, argv: Any) -> None:
        with pytest.raises(TypeError):
            processes.run(argv, timeout_s=5)

    def test_failure(self) -> None:
        with pytest.raises(processes.ProcessFailed) as caught:
            processes.run(["sh", "-c", "echo why >&2; exit 3"], timeout_s=5)
        assert (caught.value.completed.returncode, caught.value.details) == (3, "why\n")
        assert processes.run(["false"], timeout_s=5, check=False).returncode == 1

    @pytest.mark.parametrize("limits", [{}, {"memory_limit_mib": 100}, {"dies_with_caller": True}])
    def test_missing(self, limits: dict[str, Any]) -> None:
        with pytest.raises(processes.ProgramMissing):
            processes.run(["no-such-program"], timeout_s=5, **limits)

    def test_timeout_kills_the_whole_group(self, tmp_path: Path) -> None:
        started = time.monotonic()
        with pytest.raises(processes.ProcessTimeout):
            processes.run(["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait"], timeout_s=0.5)
        assert time.monotonic() - started < 5
        child = int((tmp_path / "pid").read_text())
        deadline = time.monotonic() + 5
        while processes.Process(child).command_line():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def test_a_long_one_dies_with_a_killed_caller(self, tmp_path: Path) -> None:
        pid_file = tmp_path / "pid"
        caller = multiprocessing.get_context("spawn").Process(target=run_for_long, args=(pid_file,))
        caller.start()
        deadline = time.monotonic() + 30
        while not (pid_file.exists() and pid_file.read_text().endswith("\n")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        caller.kill()
        caller.join()
        program = processes.Process(int(pid_file.read_text()))
        while program.command_line():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def test_limits(self) -> None:
        code = "import resource as r; print(r.getrlimit(r.RLIMIT_AS)[0], r.getrlimit(r.RLIMIT_CPU)[0])"
        done = processes.run(["python3", "-c", code], timeout_s=10, memory_limit_mib=512, cpu_limit_s=7)
        assert done.text.split() == [str(512 << 20), "7"]
        with pytest.raises(processes.ProcessFailed):
            processes.run(["python3", "-c", "x = 'x' * (1 << 30)"], timeout_s=10, memory_limit_mib=256)

    def test_cpu_limit(self) -> None:
        done = processes.run(["sh", "-c", "while :; do :; done"], timeout_s=30, cpu_limit_s=1, check=False)
        assert done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)

    def test_output_is_capped_and_does_not_block(self) -> None:
        done = processes.run(["sh", "-c", "head -c 30000000 /dev/zero; head -c 30000000 /dev/zero >&2"], timeout_s=30)
        assert len(done.stdout) == len(done.stderr) == processes.OUTPUT_LIMIT_BYTES

    def test_input_nobody_reads(self) -> None:
        assert processes.run(["true"], timeout_s=5, input=b"x" * (1 << 20)).returncode == 0

    def test_secrets_of_the_environment_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CELERITY_SECRET", "secret")
        text = processes.run(["env"], timeout_s=5, env={"GIVEN": "1"}).text
        assert "secret" not in text
        assert "GIVEN=1" in text

    def test_from_many_threads(self) -> None:
        seen: list[str] = []

        def echo(number: int) -> None:
            seen.append(processes.run(["echo", str(number)], timeout_s=20).text)

        work = [threading.Thread(target=echo, args=(number,)) for number in range(40)]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
        assert sorted(int(text) for text in seen) == list(range(40))

    def test_a_daemon_outlives_the_call(self, tmp_path: Path) -> None:
        processes.run(
            ["sh", "-c", f"setsid sleep 30 >/dev/null 2>&1 </dev/null & echo $! > {tmp_path}/pid"], timeout_s=5
        )
        process = processes.read_pid_file(tmp_path / "pid")
        assert process is not None
        deadline = time.monotonic() + 5
        # setsid has the argument, too, and the kernel shows none while it becomes sleep.
        while Path(f"/proc/{process.pid}/cmdline").read_bytes() != b"sleep\x0030\x00":
            assert time.monotonic() < deadline
        process.end("not an argument of it", 1)
        assert process.is_running("30")
        process.end("30", 5)
        assert not process.is_running("30")

    def test_pid_files(self, tmp_path: Path) -> None:
        assert processes.read_pid_file(tmp_path / "none") is None
        (tmp_path / "junk").write_text("x")
        assert processes.read_pid_file(tmp_path / "junk") is None
        assert not processes.Process(2**31 - 1).signal(0, "x")

    def test_it_is_the_only_one(self) -> None:
        """Nothing else in workers/ starts programs, by any of the ways Python has."""
        for path in (ROOT / "workers").rglob("*.py"):
            if path != GATE:
                assert offences(ast.parse(path.read_text())) == [], path

    @pytest.mark.parametrize(
        "code", ["import subprocess", "from subprocess import run", "import os; os.system('x')", "os.popen('x')",
                 "import asyncio.subprocess", "f(shell=True)", "asyncio.create_subprocess_exec('x')"]
    )  # fmt: skip
    def test_the_test_sees(self, code: str) -> None:
        assert offences(ast.parse(code))


def run_for_long(pid_file: Path) -> None:
    command = ["sh", "-c", f"echo $$ > {pid_file}; exec sleep 60"]
    processes.run(command, timeout_s=60, memory_limit_mib=1024, dies_with_caller=True)


def offences(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [item.name for item in node.names if FORBIDDEN & set(item.name.split("."))]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module] if FORBIDDEN & set(node.module.split(".")) else []
        elif isinstance(node, ast.keyword) and node.arg == "shell":
            found.append("shell=")
        elif isinstance(node, ast.Attribute):
            of_os = isinstance(node.value, ast.Name) and node.value.id in ("os", "posix")
            if (of_os and node.attr in FORBIDDEN_CALLS) or node.attr.startswith("create_subprocess"):
                found.append(node.attr)
    return found


def test_no_image_tool_without_a_format() -> None:
    """OSSA-2026-002: every call of qemu-img names the format, so none is ever probed."""
    for path in (ROOT / "workers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.List):
                words = [item.value for item in node.elts if isinstance(item, ast.Constant)]
                if words[:1] == ["qemu-img"]:
                    # Options, and a node in JSON, name the driver of each layer; `*words` are given by callers.
                    names = {getattr(getattr(item, "value", item), "id", "") for item in node.elts}
                    explicit = {"-f", "--image-opts"} & set(words) or {"json_node", "words"} & names
                    assert explicit, f"{path}:{node.lineno}"
                    assert ("-b" in words) == ("-F" in words), f"{path}:{node.lineno}"


class TestUndo:
    def test_in_reverse(self) -> None:
        done: list[int] = []
        with pytest.raises(ValueError, match="x"), Undo() as undo:
            undo.push(done.append, 1)
            undo.push(done.append, 2)
            raise ValueError("x")
        assert done == [2, 1]

    def test_commit(self) -> None:
        done: list[int] = []
        with Undo() as undo:
            undo.push(done.append, 1)
            undo.commit()
        assert done == []

    def test_without_commit(self) -> None:
        done: list[int] = []
        with Undo() as undo:
            undo.push(done.append, 1)
        assert done == [1]

    def test_one_that_fails_does_not_stop_the_others(self, caplog: pytest.LogCaptureFixture) -> None:
        done: list[int] = []
        with pytest.raises(KeyboardInterrupt), Undo() as undo:
            undo.push(done.append, 1)
            undo.push(int, "not a number")
            raise KeyboardInterrupt
        assert done == [1]
        assert "could not take back" in caplog.text


def hold_forever(directory: Path, ready: Any) -> None:
    with host_lock(directory, "name", timeout_s=5):
        ready.set()
        time.sleep(60)


def count_up(directory: Path, path: Path, times: int) -> None:
    for _ in range(times):
        with host_lock(directory, "counter", timeout_s=60):
            path.write_text(str(int(path.read_text()) + 1))


class TestLocks:
    @staticmethod
    def wait_for(keyed: KeyedLocks, late: list[str]) -> None:
        try:
            with keyed.hold("a", 0.05):
                pass
        except LockTimeout as error:
            late.append(str(error))

    def test_keyed(self) -> None:
        keyed = KeyedLocks()
        with keyed.hold("a"), keyed.hold("b"):
            assert len(keyed) == 2
            late: list[str] = []
            waiting = threading.Thread(target=self.wait_for, args=(keyed, late))
            waiting.start()
            waiting.join()
            assert late == ["a"]
        assert len(keyed) == 0

    def test_between_threads(self, tmp_path: Path) -> None:
        with (
            host_lock(tmp_path, "a", timeout_s=1),
            host_lock(tmp_path, "b", timeout_s=1),
            pytest.raises(LockTimeout),
            host_lock(tmp_path, "a", timeout_s=0.1),
        ):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_between_processes_and_dropped_by_death(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("spawn")
        ready = context.Event()
        holder = context.Process(target=hold_forever, args=(tmp_path, ready))
        holder.start()
        assert ready.wait(30)
        with pytest.raises(LockTimeout), host_lock(tmp_path, "name", timeout_s=0.1):
            pass
        holder.kill()
        holder.join()
        with host_lock(tmp_path, "name", timeout_s=5):
            assert list(tmp_path.iterdir())

    def test_it_excludes(self, tmp_path: Path) -> None:
        counter = tmp_path / "counter.txt"
        counter.write_text("0")
        context = multiprocessing.get_context("spawn")
        workers = [context.Process(target=count_up, args=(tmp_path / "locks", counter, 50)) for _ in range(3)]
        for worker in workers:
            worker.start()
        count_up(tmp_path / "locks", counter, 50)
        for worker in workers:
            worker.join()
        assert counter.read_text() == "200"

    @pytest.mark.parametrize("name", ["../x", "a/b", "a\0b", "", ".hidden", "x" * 300, "ü"])
    def test_names_stay_in_the_directory(self, tmp_path: Path, name: str) -> None:
        directory = tmp_path / "locks"
        with host_lock(directory, name, timeout_s=1):
            (made,) = directory.iterdir()
            assert made.parent == directory
        assert [path.name for path in tmp_path.iterdir()] == ["locks"]


class TestFiles:
    def test_whole_or_not_at_all(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        files.write(path, b"one", 0o640, durable=True)
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"one", 0o640)
        with pytest.raises(ValueError, match="x"), files.appearing(path) as temporary:
            temporary.write_bytes(b"two")
            raise ValueError("x")
        assert path.read_bytes() == b"one"
        assert list(tmp_path.iterdir()) == [path]

    def test_replace(self, tmp_path: Path) -> None:
        files.replace(str(tmp_path / "file"), b"one")
        files.replace(str(tmp_path / "file"), b"two")
        assert files.read(tmp_path / "file") == b"two"
        assert len(list(tmp_path.iterdir())) == 1

    def test_a_link_is_replaced_not_written_through(self, tmp_path: Path) -> None:
        (tmp_path / "target").write_text("keep")
        (tmp_path / "link").symlink_to(tmp_path / "target")
        files.write(tmp_path / "link", b"new")
        assert (tmp_path / "target").read_text() == "keep"

    def test_remove_tree(self, tmp_path: Path) -> None:
        files.remove_tree(tmp_path / "none")
        files.make_directory(tmp_path / "a" / "b", 0o711)
        assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o711
        files.remove_tree(tmp_path / "a")
        assert list(tmp_path.iterdir()) == []

    def test_absent(self, tmp_path: Path) -> None:
        assert files.read(tmp_path / "none") is None


# What a driver's contract documents, its drivers inherit.
CONTRACTS = {
    node.name
    for pattern in (
        "*/base.py",
        "*/base/*.py",
        "*/boot_files.py",
        "*/keys.py",
        "*/shared.py",
        "*/live.py",
        "*/guests.py",
        "*/disks.py",
        "*/snapshots.py",
        "*/migration.py",
        "*/arrivals.py",
        "volume/contents.py",
        "volume/optional.py",
        "*/moves.py",
        "*/archive/objects.py",
    )
    for path in (ROOT / "workers" / "drivers").glob(pattern)
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.FunctionDef) and ast.get_docstring(node)
}


def test_the_shape_of_files() -> None:
    """Conventions, rules 1 and 20, for these two rooms: short files that say what they are for."""
    rooms = ROOT / "workers" / "drivers", ROOT / "workers" / "system"
    for name in (path for room in rooms for path in room.rglob("*.py")):
        text = name.read_text()
        assert text.startswith('"""'), name
        assert text.count("\n") <= 300, name
        tree = ast.parse(text)
        inner = nested(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                documented = ast.get_docstring(node) or node in inner or node.name in CONTRACTS
                assert documented, f"{name}: {node.name}"
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 40, f"{name}: {node.name} is long"


def nested(tree: ast.Module) -> set[ast.AST]:
    """Functions inside functions need no docstring."""
    outer = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {child for node in outer for child in ast.walk(node) if child is not node}
