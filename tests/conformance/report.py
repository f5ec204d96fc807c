"""The tables of a run: for the terminal, and docs/conformance.md from the standing that was last recorded."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conformance.records import Verdict

HERE = Path(__file__).resolve().parent
STANDING = HERE / "standing.json"
DOCUMENT = HERE.parent.parent / "docs" / "conformance.md"
CAUSE_LENGTH = 150

INTRODUCTION = """# Conformance

Unmodified clients are the measure. `make conformance` runs [Tempest](https://docs.openstack.org/tempest/latest/),
OpenStack's own test suite (47.0.0; 39.0.0 for identity v2.0, the last release that has it), against a private cloud of
simulated hosts that it starts and removes:

    make conformance
    make conformance SERVICE=identity,image
    make conformance SERVICE=compute ARGS="--match test_servers --concurrency 1"

Its first run installs Tempest into an environment of its own (half a minute). The output ends with a table per service
and the one-line cause of each failure; the exit status is 1 if a test fails that passed before
(`tests/conformance/passing.txt`). `ARGS=--record` adds what passes now to that list and writes this page.
`ARGS=--keep` keeps Tempest's logs and the cloud's logs, and says where.

What needs several hosts also runs where hosts and guests are real, in the [lab](lab.md), in four minutes. Tempest
logs in to the guests there:

    make lab HOSTS=3
    make conformance ARGS="--cloud lab --concurrency 2"

| column | counts |
|---|---|
| passed | tests that passed |
| failed | tests that failed although the service and the action exist |
| skipped | tests that Tempest skips by itself, each for a reason named below; one without a reason is an error |
| not served | tests of services and actions that Celerity does not have (`tests/conformance/not_served.toml`) |
"""


def table(verdicts: Mapping[str, Verdict]) -> str:
    """Return the counts per suite as a table of plain text."""
    rows = [("suite", "tests", "passed", "failed", "skipped", "not served")]
    for name, verdict in verdicts.items():
        rows.append((name, *map(str, _counts(verdict).values())))
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join("  ".join(map(_pad, row, widths, (False, *[True] * len(row)))) for row in rows)


def _pad(cell: str, width: int, is_number: bool) -> str:
    return cell.rjust(width) if is_number else cell.ljust(width)


def _counts(verdict: Verdict) -> dict[str, int]:
    return {
        "tests": verdict.selected,
        "passed": len(verdict.passed),
        "failed": len(verdict.failed),
        "skipped": verdict.all_skipped,
        "not served": sum(map(len, verdict.not_served.values())),
    }


def failures(verdicts: Mapping[str, Verdict]) -> str:
    """Return a line for each failure, and each skip without a reason, with its cause; regressions are marked."""
    lines = []
    for name, verdict in verdicts.items():
        for test, cause in sorted(verdict.failed.items()):
            mark = "passed before: " if test in verdict.regressions else ""
            lines.append(f"{name}: {mark}{test}: {cause[:CAUSE_LENGTH]}")
        for test, cause in sorted(verdict.unnamed.items()):
            lines.append(f"{name}: skipped without a reason in not_served.toml: {test}: {cause[:CAUSE_LENGTH]}")
    return "\n".join(lines)


def record(verdicts: Mapping[str, Verdict]) -> None:
    """Keep the standing of these suites; those that did not run keep what they have. Write the page."""
    standing = read_standing()
    for name, verdict in verdicts.items():
        standing[name] = {
            **_counts(verdict),
            "missing": {what: len(tests) for what, tests in sorted(verdict.not_served.items())},
            "skips": {reason: len(tests) for reason, tests in sorted(verdict.skipped.items())},
            "failures": {test: cause[:CAUSE_LENGTH] for test, cause in sorted(verdict.failed.items())},
        }
    STANDING.write_text(json.dumps(standing, indent=1) + "\n")
    DOCUMENT.write_text(document(standing))


def read_standing() -> dict[str, dict[str, Any]]:
    """Return what was recorded, by suite."""
    return dict(json.loads(STANDING.read_text())) if STANDING.exists() else {}


def document(standing: Mapping[str, Mapping[str, Any]]) -> str:
    """Return docs/conformance.md."""
    lines = [INTRODUCTION, "## Where Celerity stands", "", "| suite | tests | passed | failed | skipped | not served |"]
    lines.append("|---|---|---|---|---|---|")
    for name, suite in standing.items():
        cells = [name, *(str(suite[key]) for key in ("tests", "passed", "failed", "skipped", "not served"))]
        lines.append(f"| {' | '.join(cells)} |")
    for title, column, key in (("Not served", "service or action", "missing"), ("Skipped", "reason", "skips")):
        lines += ["", f"## {title}", "", f"| suite | {column} | tests |", "|---|---|---|"]
        for name, suite in standing.items():
            lines += [f"| {name} | {what} | {count} |" for what, count in suite[key].items()]
    failed = [(name, test, cause) for name, suite in standing.items() for test, cause in suite["failures"].items()]
    if failed:
        lines += ["", "## Failures", ""]
        lines += [f"- {name}: `{test}`: {' '.join(cause.split())}" for name, test, cause in failed]
    return "\n".join(lines) + "\n"
