"""What passed before, and what is not served as a whole: the two files that a run is judged by."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.stestr import Outcome

HERE = Path(__file__).resolve().parent
PASSING = HERE / "passing.txt"
NOT_SERVED = HERE / "not_served.toml"
HEADER = "# Tests that passed; one that fails from now on is an error. Written by: make conformance ARGS=--record\n"


@dataclass(frozen=True)
class Missing:
    """A service or an action that the cloud does not have, or another reason not to run a test: ``tests`` matches the
    ids of the tests, ``causes`` the words with which Tempest itself skips them.
    """

    what: str
    tests: re.Pattern[str]
    causes: re.Pattern[str]

    def explains(self, test: str, outcome: Outcome) -> bool:
        """Return whether a test did not pass because this is missing."""
        by_cause = outcome.state == "skipped" and self.causes.search(outcome.cause)
        return bool(by_cause or self.tests.search(test))


def read_passing() -> set[str]:
    """Return the ids of the tests that passed when they were last recorded."""
    if not PASSING.exists():
        return set()
    return {line for line in PASSING.read_text().splitlines() if line and not line.startswith("#")}


def write_passing(passing: Iterable[str]) -> None:
    PASSING.write_text(HEADER + "".join(f"{name}\n" for name in sorted(set(passing))))


def read_missing() -> list[Missing]:
    """Return what is not served, in the file's order; the first entry that matches a test counts."""
    return _entries("missing")


def read_skips() -> list[Missing]:
    """Return for what other reasons tests are skipped; those of ``read_missing`` come first."""
    return _entries("skipped")


def _entries(kind: str) -> list[Missing]:
    entries = tomllib.loads(NOT_SERVED.read_text())[kind]
    return [Missing(entry["what"], _any(entry.get("tests", [])), _any(entry.get("causes", []))) for entry in entries]


def _any(patterns: list[str]) -> re.Pattern[str]:
    """Return a pattern that matches where one of these does, and nowhere if there are none."""
    return re.compile("|".join(patterns) if patterns else r"(?!)")


@dataclass
class Verdict:
    """The tests of one suite by how they ended; ``not_served`` maps what is missing to the tests that need it,
    ``skipped`` each reason to the tests that Tempest skips for it.

    ``unnamed`` are skipped for a cause that not_served.toml has no reason for; ``regressions`` are the failed ones
    among those that passed before.
    """

    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, list[str]] = field(default_factory=dict)
    not_served: dict[str, list[str]] = field(default_factory=dict)
    unnamed: dict[str, str] = field(default_factory=dict)
    regressions: list[str] = field(default_factory=list)

    @property
    def all_skipped(self) -> int:
        return len(self.unnamed) + sum(map(len, self.skipped.values()))

    @property
    def selected(self) -> int:
        return len(self.passed) + len(self.failed) + self.all_skipped + sum(map(len, self.not_served.values()))


def judge(outcomes: Mapping[str, Outcome], passing: set[str], missing: list[Missing], skips: list[Missing]) -> Verdict:
    """Sort a suite's outcomes. A test that passed before and did not pass now is a regression, whatever it needs."""
    verdict = Verdict()
    for name, outcome in outcomes.items():
        need = next((entry.what for entry in missing if entry.explains(name, outcome)), None)
        if outcome.state == "passed":
            verdict.passed.append(name)
        elif need and name not in passing:
            verdict.not_served.setdefault(need, []).append(name)
        elif outcome.state == "skipped" and name not in passing:
            reason = next((entry.what for entry in skips if entry.explains(name, outcome)), None)
            if reason:
                verdict.skipped.setdefault(reason, []).append(name)
            else:
                verdict.unnamed[name] = outcome.cause
        else:
            verdict.failed[name] = outcome.cause
            if name in passing:
                verdict.regressions.append(name)
    return verdict
