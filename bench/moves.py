"""`python -m bench.moves`: live migration between hosts of a lab, resizes on simulated ones, images, an idle agent."""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from bench import real, statements, usage
from bench.client import Session, now
from bench.pauses import Pauses
from bench.private_cloud import PrivateCloud
from deploy import first_image, testrun
from deploy.cloud_api import CloudApi
from deploy.errors import DeployError
from deploy.lab import plan as plans
from deploy.lab.lab import Lab
from deploy.private import ovn

DEADLINE_SECONDS = 600.0
COMPUTE, NETWORK = "/compute/v2.1", "/network/v2.0"
MOVED = "guest moved"  # what an agent's log says of a live migration, with libvirt's own figures


def live(options: argparse.Namespace) -> dict[str, Any]:
    """Move a running `tiny` back and forth between two hosts: seconds until it is there, and its pause."""
    with _lab() as lab:
        api = CloudApi(lab.plan.first.environment().clouds_yaml, "celerity-admin")
        server = _tiny(api)
        figures: dict[str, list[float]] = {"asked to ACTIVE, s": [], "libvirt's total, s": [], "pause, ms": []}
        time.sleep(options.settle)
        for turn in range(options.turns):
            began = now()
            body = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
            api.post(f"{COMPUTE}/servers/{server}/action", body, microversion="2.30")
            _wait(lambda: not _shown(api, server)["OS-EXT-STS:task_state"], f"move {turn}", step=0.05)
            figures["asked to ACTIVE, s"].append(round(now() - began, 2))
            moves = _moves(lab)
            if len(moves) != turn + 1:
                raise DeployError(f"Move {turn} failed.", details=str(_shown(api, server)))
            figures["libvirt's total, s"].append(round(moves[-1]["total_ms"] / 1000, 2))
            figures["pause, ms"].append(moves[-1]["downtime_ms"])
        api.delete(f"{COMPUTE}/servers/{server}")
    return {"medians": {name: statistics.median(values) for name, values in figures.items()}, "runs": figures}


@contextmanager
def _lab() -> Iterator[Lab]:
    """Have a lab of two hosts, in a network namespace that stands for this machine."""
    state = testrun.make_state()
    lab = Lab(plans.make(state / "lab", 2))
    with ovn.namespace():
        try:
            lab.up()
            yield lab
        finally:
            lab.down()
            shutil.rmtree(state, ignore_errors=True)


def _tiny(api: CloudApi) -> str:
    network = api.post(f"{NETWORK}/networks", {"network": {"name": "bench"}}).json()["network"]["id"]
    subnet = {"network_id": network, "ip_version": 4, "cidr": "10.64.0.0/24"}
    api.post(f"{NETWORK}/subnets", {"subnet": subnet})
    image = api.get("/image/v2/images", name="tiny")["images"][0]["id"]
    body = {"name": "bench", "imageRef": image, "flavorRef": "1", "networks": [{"uuid": network}]}
    server = str(api.post(f"{COMPUTE}/servers", {"server": body}).json()["server"]["id"])
    _wait(lambda: _shown(api, server)["status"] == "ACTIVE", "a server")
    console = {"os-getConsoleOutput": {"length": 20}}
    path = f"{COMPUTE}/servers/{server}/action"
    _wait(lambda: "login:" in str(api.post(path, console).json()["output"]), "a guest that has booted")
    return server


def _shown(api: CloudApi, server: str) -> dict[str, Any]:
    return dict(api.get(f"{COMPUTE}/servers/{server}")["server"])


def _moves(lab: Lab) -> list[dict[str, Any]]:
    """Return what the agents' logs say of moves, in order."""
    lines = [line for host in lab.plan.hosts for line in (host.state / "log" / "host-agent.log").open(errors="replace")]
    events = [json.loads(line[line.index("{") :]) for line in lines if MOVED in line and "{" in line]
    return sorted(events, key=lambda event: datetime.fromisoformat(event["timestamp"]))


def resizes(options: argparse.Namespace) -> dict[str, Any]:
    """Resize servers on simulated hosts, many at once: from the first request until all wait to be confirmed.

    Twice: by the second time every thread has its session with PostgreSQL, and its plans.
    """
    with PrivateCloud(hosts=8, leave_out=("flower",)) as cloud:
        image, _ = cloud.prepare()
        session = cloud.session("demo")
        servers = _boot(session, image, "1", options.count)
        rates: list[dict[str, Any]] = []
        for action, status in 2 * (
            ({"resize": {"flavorRef": "2"}}, "VERIFY_RESIZE"),
            ({"revertResize": None}, "ACTIVE"),
        ):
            if statements.is_installed():
                statements.reset(cloud.database_url)
            began, before = now(), cloud.cpu()
            _act(session, servers, action)
            _wait(lambda: _count(session, status) == options.count, f"all {status}")  # noqa: B023 - called here
            seconds = now() - began
            used = {name: round(value - before.get(name, 0), 1) for name, value in cloud.cpu().items()}
            rate: dict[str, Any] = {
                "to": status,
                "seconds": round(seconds, 1),
                "a second": round(options.count / seconds, 1),
            }
            if statements.is_installed():
                rate["statements of one"] = round(statements.count(cloud.database_url).work / options.count, 1)
            rates.append({**rate, "cpu_seconds": used})
    return {"servers": options.count, "runs": rates}


def _boot(session: Session, image: str, flavor: str, count: int) -> list[str]:
    def make(number: int) -> str:
        body = {"name": f"bench-{number}", "imageRef": image, "flavorRef": flavor, "networks": "none"}
        headers = {"X-OpenStack-Nova-API-Version": "2.37"}
        status, _, document = session.http.call("POST", f"{session.nova}/servers", {"server": body}, headers)
        if status != 202:
            raise DeployError(f"POST: {status} {str(document)[:300]}")
        return str(document["server"]["id"])

    with ThreadPoolExecutor(8) as pool:
        servers = list(pool.map(make, range(count)))
    _wait(lambda: _count(session, "ACTIVE") == count, "servers")
    return servers


def _act(session: Session, servers: list[str], body: dict[str, Any]) -> None:
    def act(key: str) -> None:
        status, _, document = session.http.call("POST", f"{session.nova}/servers/{key}/action", body)
        if status != 202:
            raise DeployError(f"{body}: {status} {str(document)[:300]}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, servers))


def _count(session: Session, status: str) -> int:
    """Return how many servers have a status, and no task with it."""
    listed = session.http.call("GET", f"{session.nova}/servers/detail?status={status}&limit=1000")[2]["servers"]
    return sum(1 for server in listed if server["status"] == status and not server["OS-EXT-STS:task_state"])


def idle(options: argparse.Namespace) -> dict[str, Any]:
    """Measure an agent whose host has paused guests of 64 MiB, and nothing to do."""
    return _on_a_machine(_idle, options)


def snapshot(options: argparse.Namespace) -> dict[str, Any]:
    """Make images of a running `tiny`: from the request until the image is active, and the guest's longest pause."""
    return _on_a_machine(_snapshots, options)


def _on_a_machine(work: Callable[..., dict[str, Any]], options: argparse.Namespace) -> dict[str, Any]:
    """Have a cloud with one real host for the work."""
    image, state = first_image.ensure(), testrun.make_state()
    try:
        roomy = {"CELERITY_CPU_RATIO": "100", "CELERITY_RAM_RATIO": "2", "CELERITY_DISK_RATIO": "10"}
        with real._machine(state) as (_, settings), real._cloud({**settings, **roomy}) as cloud:
            try:
                cloud.start("host-agent")
                cloud.await_hosts(1)
                options.libvirt = settings["CELERITY_LIBVIRT_URI"]
                return work(cloud, image, options)
            finally:
                cloud.end("host-agent")
                cloud.manage("host_shutdown", "--timeout", "0")
    finally:
        shutil.rmtree(state, ignore_errors=True)


def _snapshots(cloud: PrivateCloud, image: Path, options: argparse.Namespace) -> dict[str, Any]:
    key, _ = cloud.prepare(image, "qcow2")
    session = cloud.session("demo")
    [server] = _boot(session, key, "1", 1)
    time.sleep(options.settle)
    times, pauses, path = [], [], f"{session.nova}/servers/{server}/action"
    for turn in range(options.turns):
        body, began = {"createImage": {"name": f"bench-{turn}"}}, now()
        with Pauses(options.libvirt, server) as watched:
            status, _, document = session.http.call("POST", path, body, {"OpenStack-API-Version": "compute 2.45"})
            if status != 202:
                raise DeployError(f"createImage: {status} {str(document)[:300]}")
            made = f"{session.glance}/images/{document['image_id']}"
            _wait(lambda: session.http.call("GET", made)[2]["status"] == "active", "an image", step=0.02)  # noqa: B023
        times.append(round(now() - began, 2))
        pauses.append(watched.longest_ms)
    return {"median, s": statistics.median(times), "runs, s": times, "longest pause, ms": max(pauses)}


def _idle(cloud: PrivateCloud, image: Path, options: argparse.Namespace) -> dict[str, Any]:
    key, _ = cloud.prepare(image, "qcow2")
    admin, session = cloud.session("admin"), cloud.session("demo")
    flavor = {"id": "paused", "name": "paused", "vcpus": 1, "ram": 64, "disk": 1}
    admin.http.call("POST", f"{admin.nova}/flavors", {"flavor": flavor})
    servers: list[str] = []
    while len(servers) < options.guests:  # a few at a time: guests that boot would take the processors
        batch = _boot_more(session, key, len(servers), min(4, options.guests - len(servers)))
        _act(session, batch, {"pause": None})
        servers += batch
        _wait(lambda: _count(session, "PAUSED") == len(servers), "paused guests")  # noqa: B023 - called here
    time.sleep(options.settle)
    process = psutil.Process(cloud.roots()["host-agent"])
    began, before = now(), process.cpu_times()
    time.sleep(options.seconds)
    after, seconds = process.cpu_times(), now() - began
    used = after.user + after.system - before.user - before.system
    return {
        "guests": options.guests,
        "percent of a core": round(100 * used / seconds, 2),
        "memory": {name: round(value, 1) for name, value in _memory(process.pid).items()},
    }


def _boot_more(session: Session, image: str, first: int, count: int) -> list[str]:
    keys: list[str] = []
    for number in range(first, first + count):
        body = {"name": f"idle-{number}", "imageRef": image, "flavorRef": "paused", "networks": "none"}
        headers = {"X-OpenStack-Nova-API-Version": "2.37"}
        document = session.http.call("POST", f"{session.nova}/servers", {"server": body}, headers)[2]
        keys.append(str(document["server"]["id"]))
    _wait(lambda: _count(session, "ACTIVE") == count or _failed(session), "servers")
    return keys


def _failed(session: Session) -> bool:
    """Raise DeployError where a server could not be made: waiting for it is of no use."""
    listed = session.http.call("GET", f"{session.nova}/servers/detail?status=ERROR")[2]["servers"]
    if listed:
        raise DeployError("A server was not made.", details=str(listed[0].get("fault")))
    return False


def _memory(pid: int) -> dict[str, float]:
    """Return a process's own MiB: of itself alone, without what it has started."""
    values = dict(line.split(":") for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return {name: int(values[key].split()[0]) / usage.MIB for name, key in (("pss", "Pss"), ("rss", "Rss"))}


def _wait(condition: Any, what: str, *, step: float = 0.2) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise DeployError(f"Not within {DEADLINE_SECONDS:.0f} s: {what}")
        time.sleep(step)


PARTS = {"live": live, "resizes": resizes, "snapshot": snapshot, "idle": idle}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.moves", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=list(PARTS), default=list(PARTS), help="what to measure")
    parser.add_argument("--turns", type=int, default=5, help="live migrations, and images (5)")
    parser.add_argument("--count", type=int, default=100, help="servers that are resized (100)")
    parser.add_argument("--guests", type=int, default=50, help="paused guests (50)")
    parser.add_argument("--seconds", type=float, default=120, help="for which an idle agent is watched (120)")
    parser.add_argument("--settle", type=float, default=20, help="seconds before something is measured (20)")
    parser.add_argument("--output", type=Path, default=Path(tempfile.gettempdir()) / "celerity-bench-moves.json")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {}
    try:
        for part in options.parts:
            results[part] = PARTS[part](options)
            print(part, json.dumps(results[part], indent=1))
    except DeployError as error:
        print(error.message, error.details, file=sys.stderr)
        return 1
    options.output.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
