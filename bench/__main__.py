"""`make bench`: starts a private cloud, measures it through its API, prints a table and writes a JSON file."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Any

from bench import report, statements, steps, usage
from bench.private_cloud import PrivateCloud
from deploy import testrun
from deploy.environment import REPOSITORY
from deploy.errors import DeployError

WARM_UP = 16
QUIET_SECONDS = 2.0


def client(cloud: PrivateCloud, *arguments: str) -> dict[str, Any]:
    """Run the boot benchmark in a separate process, so that its CPU time is not the cloud's; return its report."""
    login = cloud.login("demo")
    variables = {
        **os.environ,
        "OS_AUTH_URL": login.auth_url,
        "OS_USERNAME": login.user,
        "OS_PASSWORD": login.password,
        "OS_PROJECT_NAME": login.project,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.boot_bench", *arguments],
        cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if not done.stdout:
        raise DeployError("The client failed.", details=done.stderr[-3000:])
    return dict(json.loads(done.stdout))


def scenario(
    cloud: PrivateCloud, options: argparse.Namespace, *, network: str, image: str, turn: int
) -> dict[str, Any]:
    """Boot, list and delete once; return the client's report with what the cloud used for the boots."""
    prefix = f"bench-{'none' if network == 'none' else 'memory'}-{turn}"
    common = ["--networks", network, "--image", image, "--prefix", prefix, "--concurrency", str(options.concurrency)]
    counting = statements.is_installed()
    if counting:
        statements.reset(cloud.database_url)
    before, began = cloud.cpu(), time.time()
    result = client(
        cloud, *common, "--phases", "boot", "--count", str(options.count), "--wait", options.wait,
        "--poll", options.poll, "--flavor", options.flavor,
    )  # fmt: skip
    after = cloud.cpu()
    boots = result["active"] or 1
    if counting:
        ran = statements.count(cloud.database_url)
        result["sql_per_boot"] = round(ran.work / boots, 1)
        result["sql_control_per_boot"] = round(ran.control / boots, 1)
        result["sql_foreign_key_checks_per_boot"] = round(ran.checks / boots, 1)
        result["sql_seconds_per_boot"] = round(ran.seconds / boots, 4)
        if options.statements:
            report.show_statements(statements.most(cloud.database_url), boots)
    result["steps_s"] = steps.worked(cloud.database_url, began)
    result["cpu_s_per_boot"] = round(sum(after.values()) - sum(before.values()), 3) / boots
    if result["machine_busy_cpu_s"] is not None:
        others = result["machine_busy_cpu_s"] - (sum(after.values()) - sum(before.values())) - result["client_cpu_s"]
        result["cores_of_others"] = round(max(0.0, others) / result["wall_s"], 2)
    result["cpu_s_per_boot_by_process"] = {name: round((after[name] - before[name]) / boots, 4) for name in after}
    time.sleep(QUIET_SECONDS)
    result |= {key: value for key, value in client(cloud, *common, "--phases", "list", "--list-bench", "20").items()
              if key in ("list_detail", "show")}  # fmt: skip
    result["memory_mib"] = {
        name: {"pss": round(memory.pss, 1), "rss": round(memory.rss, 1)} for name, memory in cloud.memory().items()
    }
    before = cloud.cpu()
    gone = client(cloud, *common, "--phases", "delete")
    result["delete"] = gone["delete"]
    result["delete"]["cpu_s_per_delete"] = round((sum(cloud.cpu().values()) - sum(before.values())) / boots, 4)
    result["errors"] += gone["errors"]
    result["error_samples"] += gone["error_samples"]
    return result


def simulated(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Measure the control plane on simulated hosts, every scenario as often as was asked, in turns."""
    leave_out = () if options.flower else ("flower",)
    results: dict[str, list[dict[str, Any]]] = {"one network": [], "no network": []}
    with PrivateCloud(hosts=options.hosts, leave_out=leave_out, CELERITY_SIMULATED_RAM="1048576") as cloud:
        image, network = cloud.prepare()
        for warm in (network, "none"):
            client(cloud, "--networks", warm, "--image", image, "--flavor", options.flavor,
                   "--count", str(WARM_UP), "--concurrency", "8")  # fmt: skip
        for turn in range(options.repeat):
            results["one network"].append(scenario(cloud, options, network=network, image=image, turn=turn))
            results["no network"].append(scenario(cloud, options, network="none", image=image, turn=turn))
    return results


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def parse(arguments: list[str]) -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="make bench", description=__doc__)
    made.add_argument("--count", type=int, default=200, help="servers of one run")
    made.add_argument("--concurrency", type=int, default=20)
    made.add_argument("--hosts", type=int, default=8)
    made.add_argument("--repeat", type=int, default=3, help="runs of each scenario; medians are told")
    made.add_argument("--wait", choices=["each", "batch"], default="each")
    made.add_argument("--poll", choices=["get", "list"], default="get")
    made.add_argument("--flavor", default="1", help="id or name")
    made.add_argument("--no-flower", dest="flower", action="store_false", help="leave Flower out")
    made.add_argument("--statements", action="store_true", help="list the SQL statements of every run")
    made.add_argument("--real", choices=["auto", "no", "only"], default="auto", help="the part with real guests")
    made.add_argument("--identity", choices=["yes", "no", "only"], default="yes", help="tokens and validated calls")
    made.add_argument("--output", type=Path, default=Path(tempfile.gettempdir()) / "celerity-bench.json")
    return made.parse_args(arguments)


def main(arguments: list[str]) -> int:
    from bench import identity, real

    options = parse(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    testrun.sweep()
    results: dict[str, Any] = {"load_before": os.getloadavg(), "cpus": os.cpu_count()}
    results["additions_before_s"] = usage.additions()
    try:
        if "only" not in (options.real, options.identity):
            results["simulated"] = simulated(options)
        if options.identity != "no" and options.real != "only":
            results["identity"] = identity.measure_all(seconds=10, connections=16)
        if options.real != "no" and options.identity != "only":
            results["real"] = real.measure()
    except DeployError as error:
        print(f"{error.details}\n{error.message}\n{error.hint}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return testrun.INTERRUPTED
    results["load_after"] = os.getloadavg()
    results["additions_after_s"] = usage.additions()
    options.output.write_text(json.dumps(results, indent=1) + "\n")
    report.show(results)
    print(f"\nEverything measured: {options.output}")
    runs = [run for group in results.get("simulated", {}).values() for run in group]
    return 1 if any(run["errors"] for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
