"""Security class 15: no output of the tests holds one of their secrets, with logs at DEBUG.

Passwords, keys and user data of the tests' clouds have a mark; tokens, private keys and passwords' hashes are known by
their form. Two places are looked at: what pytest captured of each test (logs, stdout, stderr), and the log files of the
processes and servers that tests start. What is found fails the run at its end.
"""

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.testrun import SENTINEL

USER_DATA = base64.b64encode(f"#cloud-config\n# {SENTINEL}-user-data\n".encode()).decode()
PATTERNS = {
    "a marked secret": re.compile(re.escape(SENTINEL)),
    "a password of the tests": re.compile("correct horse"),
    "user data": re.compile(re.escape(USER_DATA[:40])),
    "a token": re.compile(r"gAAAAA[\w-]{60,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a password's hash": re.compile(r"argon2id\$[\w=,$+/.-]{20,}"),
}
SHOWN = 12  # characters of a line on either side of what is masked
_found: list[str] = []


def found_in(text: str) -> Iterator[tuple[int, str]]:
    """Return the line's number and what is wrong with it, the secret masked, for every secret in a text."""
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in PATTERNS.items():
            match = pattern.search(line)
            if match is not None:
                before = line[max(match.start() - SHOWN, 0) : match.start()]
                yield number, f"{what}: …{before}***"


def look_at_logs(directory: Path) -> None:
    """Look through the log files below a directory: of processes, PostgreSQL and Redis. Called before it goes."""
    for file in sorted(directory.rglob("*.log")) if directory.is_dir() else ():
        _found.extend(f"{file}:{number}: {what}" for number, what in found_in(file.read_text(errors="replace")))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Check the output of a test once, at its end: that report has all of it."""
    if report.when == "teardown":
        for section, text in report.sections:
            _found.extend(f"{report.nodeid}, {section}, line {number}: {what}" for number, what in found_in(text))
        _found.extend(value for name, value in report.user_properties if name == "sentinel")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In a parallel process: hand what log files had to the process that reports."""
    outcome: Any = yield
    report = outcome.get_result()
    if hasattr(item.config, "workerinput") and report.when == "teardown":
        report.user_properties += [("sentinel", line) for line in _found if ".log:" in line]
        _found.clear()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Look at the logs of the run's own PostgreSQL and Redis, and fail the run for all that was found in it."""
    if hasattr(session.config, "workerinput"):
        return
    look_at_logs(Path(os.environ.get("CELERITY_STATE_DIR", "/nonexistent")))
    if _found and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _found:
        terminalreporter.section("secrets in logs", red=True, bold=True)
        for line in dict.fromkeys(_found):
            terminalreporter.write_line(line)
