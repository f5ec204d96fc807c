"""Runs a selection of Tempest's tests with stestr and says how each ended."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.errors import DeployError

HERE = Path(__file__).resolve().parent
CLASS_STEP = re.compile(r"(setUpClass|tearDownClass) \((.+)\)$")
TEST_SECONDS = 500


@dataclass(frozen=True)
class Outcome:
    """How a test ended: ``passed``, ``failed`` or ``skipped``, with the cause in one line, and after how many seconds
    of the whole run.
    """

    state: str
    cause: str
    at: float


def bare(test: str) -> str:
    """Return a test's id without the tags that stestr appends in brackets."""
    return re.sub(r"\[.*", "", test)


class Runner:
    """One Tempest environment in one work directory."""

    def __init__(self, environment: Path, work: Path, configuration: Path) -> None:
        self.bin = environment / "bin"
        self.work = work
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("OS_", "CELERITY_", "DJANGO_"))}
        self.variables = {
            **kept,
            "TEMPEST_CONFIG_DIR": str(configuration.parent),
            "TEMPEST_CONFIG": configuration.name,
            "OS_TEST_TIMEOUT": str(TEST_SECONDS),
        }
        (work / "lock").mkdir(parents=True, exist_ok=True)
        (work / "log").mkdir(exist_ok=True)
        package = next(environment.glob("lib/python*/site-packages/tempest"))
        (work / ".stestr.conf").write_text(
            f"[DEFAULT]\ntest_path={package}/test_discover\ntop_dir={package.parent}\n"
            "group_regex=([^\\.]*\\.)*\n"  # the tests of one class share a process: their set-up is the dear part
        )
        self._run("init")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.bin / "stestr"), *arguments],
            cwd=self.work, env=self.variables, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode != 0:
            raise DeployError(f"stestr {arguments[0]} failed.", details=(done.stdout + done.stderr)[-3000:])
        return done.stdout

    def list(self) -> list[str]:
        """Return the ids, with tags, of all of Tempest's tests."""
        return [line for line in self._run("list").splitlines() if line.startswith("tempest.")]

    def run(self, tests: Iterable[str], *, concurrency: int, seconds: float | None = None) -> dict[str, Outcome]:
        """Run the tests whose ids (with tags) are given; return how each ended, by its bare id.

        A test whose class could not be set up shares the class's fate. A test without a result (the run was cut off
        after ``seconds``, or its process died) has failed with "no result".
        """
        selected = list(tests)
        if not selected:
            return {}
        (self.work / "selected.txt").write_text("\n".join(selected) + "\n")
        raw, classes = dict[str, Outcome](), dict[str, Outcome]()
        for name, outcome in self._stream(concurrency, seconds):
            if match := CLASS_STEP.match(name):
                if match[1] == "setUpClass":
                    classes[match[2]] = outcome
            elif bare(name) not in raw or raw[bare(name)].state != "failed":
                raw[bare(name)] = outcome
        missing = Outcome("failed", "no result", 0.0)
        return {name: raw.get(name) or classes.get(name.rpartition(".")[0], missing) for name in map(bare, selected)}

    def _stream(self, concurrency: int, seconds: float | None) -> Iterator[tuple[str, Outcome]]:
        started = time.monotonic()
        command = [str(self.bin / "stestr"), "run", "--subunit", "--concurrency", str(concurrency)]
        command += ["--load-list", "selected.txt"]
        if seconds is not None:
            command = ["timeout", "--signal=INT", "--kill-after=30", str(seconds), *command]
        with (self.work / "log" / "stestr.err").open("w") as errors, subprocess.Popen(
            command, cwd=self.work, env=self.variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
        ) as stestr, subprocess.Popen(
            [str(self.bin / "python"), str(HERE / "subunit_lines.py")],
            stdin=stestr.stdout, stdout=subprocess.PIPE, text=True, env=self.variables,
        ) as reader:  # fmt: skip
            assert reader.stdout is not None
            for line in reader.stdout:
                test: dict[str, Any] = json.loads(line)
                at = round(time.monotonic() - started, 1)
                _show(at, test)
                yield test["id"], Outcome(test["state"], test["cause"], at)


def _show(at: float, test: dict[str, Any]) -> None:
    mark = {"passed": "ok  ", "skipped": "skip", "failed": "FAIL"}[test["state"]]
    print(f"{at:7.1f} s {mark} {bare(test['id'])} {test['cause'][:160]}".rstrip(), file=sys.stderr, flush=True)
