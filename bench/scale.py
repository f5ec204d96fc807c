"""Does a boot cost more when there are many servers? ``python -m bench.scale``.

Servers are booted up to each mark and stay; the last ``--window`` of them are measured, and the lists after them.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import statements, usage
from bench.__main__ import QUIET_SECONDS, WARM_UP, client
from bench.private_cloud import PrivateCloud
from deploy import testrun
from deploy.errors import DeployError

# Hosts that are never full: what is measured is the control plane.
ROOMY: dict[str, Any] = {
    "CELERITY_SIMULATED_VCPUS": "16384",
    "CELERITY_SIMULATED_RAM": str(64 * 1024 * 1024),
    "CELERITY_SIMULATED_DISK": str(1024 * 1024),
}
ROWS = (
    ("Boots, /s", "boots_per_s"),
    ("To ACTIVE, p95, s", "active_p95"),
    ("POST, p95, s", "post_p95"),
    ("SQL statements of a boot", "sql_per_boot"),
    ("Polls of a boot", "polls"),
    ("PostgreSQL's time of a boot, ms", "sql_ms_per_boot"),
    ("CPU of a boot, ms", "cpu_ms_per_boot"),
    ("First page of the list with details, p50, ms", "list_ms"),
    ("The same, p95, ms", "list_p95_ms"),
    ("Servers on that page (1,000 at most)", "listed"),
    ("Show, p50, ms", "show_ms"),
    ("Memory of all processes, MiB PSS", "memory"),
    ("Errors", "errors"),
    ("This machine: ten million additions, s", "additions_s"),
)


def window(cloud: PrivateCloud, common: list[str], count: int, mark: int) -> dict[str, Any]:
    """Boot ``count`` servers; return what they cost, and what lists cost afterwards."""
    speed = usage.additions()
    if statements.is_installed():
        statements.reset(cloud.database_url)
    before = sum(cloud.cpu().values())
    boots = client(cloud, *common, "--prefix", f"window-{mark}", "--phases", "boot", "--count", str(count))
    used = sum(cloud.cpu().values()) - before
    active = boots["active"] or 1
    result = {
        "additions_s": round((speed + usage.additions()) / 2, 3),
        "polls": round(boots["poll_s"]["n"] / active, 2),
        "boots_per_s": boots["boots_per_s"],
        "active_p95": boots["time_to_active_s"]["p95"],
        "post_p95": boots["post_s"]["p95"],
        "cpu_ms_per_boot": round(1000 * used / active, 1),
        "errors": boots["errors"],
    }
    if statements.is_installed():
        ran = statements.count(cloud.database_url)
        result |= {
            "sql_per_boot": round(ran.work / active, 1),
            "sql_ms_per_boot": round(1000 * ran.seconds / active, 2),
        }
    time.sleep(QUIET_SECONDS)
    lists = client(cloud, *common, "--prefix", f"window-{mark}", "--phases", "list", "--list-bench", "20")
    result |= {
        "list_ms": round(1000 * lists["list_detail"]["p50"], 1),
        "list_p95_ms": round(1000 * lists["list_detail"]["p95"], 1),
        "listed": lists["list_detail"]["servers"],
        "show_ms": round(1000 * lists["show"]["p50"], 1),
        "memory": round(sum(process.pss for process in cloud.memory().values())),
    }
    return result


def measure(options: argparse.Namespace) -> dict[int, dict[str, Any]]:
    results: dict[int, dict[str, Any]] = {}
    there = 0
    with PrivateCloud(hosts=options.hosts, **ROOMY) as cloud:
        image, network = cloud.prepare()
        common = ["--networks", network, "--image", image, "--flavor", "1", "--concurrency", str(options.concurrency)]
        client(cloud, *common, "--count", str(WARM_UP))
        for mark in options.marks:
            missing = mark - options.window - there
            if missing > 0:
                began = time.monotonic()
                filled = client(
                    cloud, *common, "--prefix", f"fill-{mark}", "--phases", "boot", "--count", str(missing),
                    "--timeout", "3600",
                )  # fmt: skip
                if filled["errors"]:
                    raise DeployError(f"{filled['errors']} of {missing} servers failed: {filled['error_samples']}")
                print(f"{missing} servers in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
                time.sleep(QUIET_SECONDS)
            results[mark] = window(cloud, common, options.window, mark)
            there = mark
    return results


def show(results: dict[int, dict[str, Any]], size: int) -> None:
    table = Table(title=f"The last {size} of so many servers", title_justify="left")
    table.add_column("What")
    for mark in results:
        table.add_column(f"{mark:,}", justify="right")
    for text, key in ROWS:
        table.add_row(text, *(str(result.get(key, "")) for result in results.values()))
    Console().print(table)


def main(arguments: list[str]) -> int:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--marks", type=lambda text: sorted(map(int, text.split(","))), default=[200, 2000, 10000])
    made.add_argument("--window", type=int, default=200, help="servers that are measured at each mark")
    made.add_argument("--concurrency", type=int, default=20)
    made.add_argument("--hosts", type=int, default=8)
    made.add_argument("--output", type=Path, default=Path(tempfile.gettempdir()) / "celerity-scale.json")
    options = made.parse_args(arguments)
    testrun.sweep()
    try:
        results = measure(options)
    except DeployError as error:
        print(f"{error.details}\n{error.message}\n{error.hint}", file=sys.stderr)
        return 3
    options.output.write_text(json.dumps(results, indent=1) + "\n")
    show(results, options.window)
    print(f"\nEverything measured: {options.output}")
    return 1 if any(result["errors"] for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
