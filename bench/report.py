"""The tables for people."""

from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

# What is shown: name, where it is in a run's report, unit, what it should be.
ROWS: list[tuple[str, tuple[str, ...], str, str]] = [
    ("Boots", ("boots_per_s",), "/s", "≥ 25 (30 without network)"),
    ("To ACTIVE, median", ("time_to_active_s", "p50"), "s", ""),
    ("To ACTIVE, p95", ("time_to_active_s", "p95"), "s", "< 1.5"),
    ("POST, p50", ("post_s", "p50"), "s", ""),
    ("POST, p95", ("post_s", "p95"), "s", "< 0.150"),
    ("allocate_network, p95", ("steps_s", "allocate_network", "p95"), "s", "< 0.060, one at a time"),
    ("SQL statements of a boot", ("sql_per_boot",), "", "≤ 60, all told"),
    ("BEGIN, COMMIT … of a boot", ("sql_control_per_boot",), "", ""),
    ("Foreign keys checked, of a boot", ("sql_foreign_key_checks_per_boot",), "", ""),
    ("Polls of a boot", ("polls_per_boot",), "", ""),
    ("CPU of a boot", ("cpu_s_per_boot",), "s", "≤ 0.08"),
    ("Client's CPU, whole run", ("client_cpu_s",), "s", ""),
    ("Cores that others took meanwhile", ("cores_of_others",), "", "0"),
    ("List with details, p50", ("list_detail", "p50"), "s", "< 0.060"),
    ("Show, p50", ("show", "p50"), "s", ""),
    ("Deletes", ("delete", "deletes_per_s"), "/s", ""),
    ("CPU of a delete", ("delete", "cpu_s_per_delete"), "s", ""),
    ("Errors", ("errors",), "", "0"),
]


def _value(run: dict[str, Any], path: tuple[str, ...]) -> float | None:
    value: Any = run
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else float(value)


def _median(runs: list[dict[str, Any]], path: tuple[str, ...]) -> str:
    values = [value for run in runs if (value := _value(run, path)) is not None]
    if not values:
        return "not measured"
    middle = median(values)
    return f"{middle:.0f}" if middle == int(middle) else f"{middle:.3f}" if middle < 10 else f"{middle:.1f}"


def show(results: dict[str, Any]) -> None:
    """Print medians of every scenario, the processes' shares, and the real boots beside bare ones."""
    console = Console(width=110)
    if "simulated" in results:
        _show_simulated(console, results["simulated"])
    if "identity" in results:
        _show_identity(console, results["identity"])
    real = results.get("real")
    if isinstance(real, dict):
        table = Table(title="Real guests, warm image cache: seconds, medians", title_justify="left")
        for name in ("What", "Seconds"):
            table.add_column(name, justify="left" if name == "What" else "right")
        for name, seconds in real["medians"].items():
            table.add_row(name, f"{seconds:.3f}")
        console.print(table)
    elif real:
        console.print(f"Real guests: {real}")
    if "additions_before_s" in results:
        before, after = results["additions_before_s"], results["additions_after_s"]
        console.print(f"This machine: ten million additions in Python took {before} s before and {after} s after.")


def _show_identity(console: Console, results: list[dict[str, Any]]) -> None:
    title = (
        "Tokens and validated calls; CPU is ms of a call. Target: 1,500 /s on two cores for GET /compute/v2.1/flavors"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("What")
    names = ("/s", "median, ms", "p99, ms", "cloud's CPU", "client's CPU", "/s on 2 idle cores")
    for name in names:
        table.add_column(name, justify="right")
    keys = ("per_second", "median_ms", "p99_ms", "cloud_cpu_ms", "client_cpu_ms", "per_second_on_two_cores")
    for row in results:
        table.add_row(row["what"], *(str(row[key]) for key in keys))
    console.print(table)


def _show_simulated(console: Console, results: dict[str, list[dict[str, Any]]]) -> None:
    first = next(iter(results.values()))[0]
    title = (
        f"{first['count']} servers, {first['concurrency']} at once, {len(next(iter(results.values())))} runs: medians"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("What")
    for name in results:
        table.add_column(name, justify="right")
    table.add_column("Target")
    for runs in results.values():
        for run in runs:
            run["polls_per_boot"] = run["poll_s"]["n"] / (run["active"] or 1)
    for name, path, unit, target in ROWS:
        table.add_row(
            f"{name}{f', {unit}' if unit else ''}", *(_median(runs, path) for runs in results.values()), target
        )
    console.print(table)
    _show_processes(console, results)


def _show_processes(console: Console, results: dict[str, list[dict[str, Any]]]) -> None:
    last = list(results.values())[-1][-1]
    table = Table(title="Processes: CPU ms of a boot, memory in MiB after the last run", title_justify="left")
    table.add_column("Process")
    for name in (*results, "PSS", "RSS"):
        table.add_column(name, justify="right")
    for name, memory in last["memory_mib"].items():
        shares = [
            median(1000 * run["cpu_s_per_boot_by_process"].get(name, 0) for run in runs) for runs in results.values()
        ]
        table.add_row(name, *(f"{value:.1f}" for value in shares), f"{memory['pss']:.0f}", f"{memory['rss']:.0f}")
    total = [sum(value[kind] for value in last["memory_mib"].values()) for kind in ("pss", "rss")]
    sums = [median(1000 * run["cpu_s_per_boot"] for run in runs) for runs in results.values()]
    table.add_section()
    table.add_row("all", *(f"{value:.1f}" for value in sums), *(f"{value:.0f}" for value in total))
    console.print(table)


def show_statements(statements: list[tuple[int, float, str]], boots: int) -> None:
    """Print statements: calls of a boot, milliseconds of a call, text."""
    for calls, ms, text in statements:
        print(f"{calls / boots:8.2f}  {ms / max(calls, 1):7.3f} ms  {text[:160]}")
