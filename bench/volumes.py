"""What volumes cost: ``python -m bench.volumes``.

Data: sequential reads and writes of one volume's file, through its export, and through the relays to another host (by
TLS on loopback), each with QEMU's own client; memory of idle exports; seconds to make, open and close volumes.
Calls: POST to available and attach to in-use in a private cloud of simulated hosts, so the cloud's own part of both.
Far (`--parts far`): attachments to a real guest of volumes of its host and of another one, in a lab of two hosts.
"""

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import far_volumes, usage
from bench.client import Session, spread, summary
from bench.private_cloud import PrivateCloud
from deploy import testrun
from deploy.errors import DeployError
from workers.drivers.volume.base import ExportSpec, FromImage, FromVolume, Listening, RemoteExport, VolumeSpec
from workers.drivers.volume.local.driver import LocalVolumes
from workers.system.pki.authority import Authority
from workers.system.pki.host import HostCertificate

MIB = 1 << 20
IMAGE_GIB = 20
REQUEST, DEPTH = MIB, 8  # of the sequential reads: what a guest's read-ahead asks for
POLL_SECONDS = 0.005


class Site:
    """Two hosts' pools on this machine, with certificates of one authority."""

    def __init__(self, root: Path) -> None:
        self.root, self.authority = root, Authority(root / "authority")
        self.authority.create()
        self.home, self.far = self._host("home"), self._host("far")

    def _host(self, name: str) -> LocalVolumes:
        certificate = HostCertificate(self.root / name / "pki")
        certificate.install(self.authority.sign(certificate.request(name), name), self.authority.certificate())
        run = Path(tempfile.mkdtemp(prefix="cly-b", dir=self.root.parent))
        options = {
            "state_dir": self.root / name,
            "run_dir": run,
            "reserved_gib": 0,
            "pki_dir": self.root / name / "pki",
        }
        return LocalVolumes(options)


@contextmanager
def site() -> Iterator[Site]:
    """Have pools for a block; nothing of them is left."""
    with tempfile.TemporaryDirectory(prefix="cly-bench-") as path:
        made = Site(Path(path) / "s")
        try:
            yield made
        finally:
            for export in made.home.list_exports():
                made.home.close_export(export.volume_id, None)
            for export in made.far.list_connections():
                made.far.disconnect(export.owner)


def bench(source: str, size_mib: int, *, form: str = "raw", write: bool = False) -> float:
    """Return MiB/s of QEMU's own client over ``size_mib`` of a disk."""
    words = ["-w"] if write else []
    done = subprocess.run(
        ["qemu-img", "bench", "-f", form, "-c", str(size_mib * MIB // REQUEST), "-s", str(REQUEST), "-d", str(DEPTH),
         "-t", "none", *words, source],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return size_mib / float(done.stdout.split("completed in ")[1].split(" ")[0])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def data(options: argparse.Namespace) -> dict[str, Any]:
    """Read and write one volume on each way, in turns."""
    with site() as made:
        volume, owner = str(uuid.uuid4()), str(uuid.uuid4())
        made.home.create_volume(VolumeSpec(volume, max(1, -(-options.size // 1024))))
        [file] = made.home._pool.of(volume).glob("*.qcow2")
        bench(str(file), options.size, form="qcow2", write=True)
        speeds: dict[str, list[float]] = {"file": [], "export": [], "relays": [], "written": [], "relays written": []}
        listening = Listening("far", "127.0.0.1", free_port())
        remote = RemoteExport(volume, "e-far", owner, "home", "127.0.0.1", listening.port, 1)
        memory = {}
        for _ in range(options.turns):
            speeds["file"].append(bench(str(file), options.size, form="qcow2"))
            home = made.home.open_export(volume, ExportSpec("e-home", owner=owner))
            memory["export"] = processes(made.home)
            url = f"nbd+unix:///e-home?socket={home.socket}"
            speeds["export"].append(bench(url, options.size))
            speeds["written"].append(bench(url, options.size, write=True))
            made.home.open_export(volume, ExportSpec("e-far", owner=owner, listening=listening))
            far = made.far.connect(remote)
            memory["relays"] = processes(made.home, made.far) - memory["export"]
            url = f"nbd+unix:///e-far?socket={far.socket}"
            speeds["relays"].append(bench(url, options.size))
            speeds["relays written"].append(bench(url, options.size, write=True))
            made.far.disconnect(owner)
            made.home.close_export(volume, None)
    best = {name: round(max(values), 1) for name, values in speeds.items()}
    return {
        "mib_per_second": speeds,
        "best": best,
        "memory_mib": {name: round(value, 1) for name, value in memory.items()},
    }


def processes(*hosts: LocalVolumes) -> float:
    """Return the MiB (PSS) of all daemons and relays of pools."""
    pids = [int(path.read_text()) for host in hosts for path in host._run.parent.rglob("pid")]
    return sum(usage.memory(pid).pss for pid in pids)


def image_of(root: Path, mib: int) -> FromImage:
    """Return an image of 20 GiB with some MiB of data, as it lies in a host's cache."""
    path = root / "image"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), f"{IMAGE_GIB}G"], check=True)
    write = ["qemu-io", "-c", f"write -q -P 7 0 {mib}M", str(path)]
    subprocess.run(write, check=True, stdout=subprocess.DEVNULL)
    return FromImage(str(path), "qcow2", IMAGE_GIB << 30)


def steps(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return what a host's part of each operation takes, in seconds."""
    taken: dict[str, list[float]] = {}

    def timed(name: str, work: Any) -> None:
        began = time.perf_counter()
        work()
        taken.setdefault(name, []).append(time.perf_counter() - began)

    with site() as made:
        image = image_of(made.root, options.size)
        for _ in range(options.count):
            volume, owner = str(uuid.uuid4()), str(uuid.uuid4())
            whole = VolumeSpec(str(uuid.uuid4()), IMAGE_GIB)
            timed("create of a cached image", lambda spec=whole: made.home.create_volume(spec, image))
            copy, of = VolumeSpec(str(uuid.uuid4()), IMAGE_GIB), FromVolume(whole.id)
            timed("clone", lambda spec=copy, of=of: made.home.create_volume(spec, of))
            listening = Listening("far", "127.0.0.1", free_port())
            remote = RemoteExport(volume, "e-far", owner, "home", "127.0.0.1", listening.port, 1)
            timed("create", lambda key=volume: made.home.create_volume(VolumeSpec(key, 1)))
            timed("snapshot", lambda key=volume: made.home.create_snapshot(key, str(uuid.uuid4())))
            spec = ExportSpec("e-home", owner=owner)
            timed("open", lambda key=volume, spec=spec: made.home.open_export(key, spec))
            spec = ExportSpec("e-far", owner=owner, listening=listening)
            timed("open for another host", lambda key=volume, spec=spec: made.home.open_export(key, spec))
            timed("connect", lambda remote=remote: made.far.connect(remote))
            timed("disconnect", lambda key=owner: made.far.disconnect(key))
            timed("close", lambda key=volume: made.home.close_export(key, None))
            timed("delete", lambda key=volume: made.home.delete_volume(key))
    return {name: summary(values, 50, 95) for name, values in taken.items()}


class Calls:
    """A caller of a private cloud, with a running server."""

    def __init__(self, cloud: PrivateCloud, options: argparse.Namespace) -> None:
        self.options, self.errors = options, []  # type: ignore[var-annotated]
        image, _ = cloud.prepare()
        self.session: Session = cloud.session("demo")
        self.cinder = self.session.catalog["block-storage"]
        admin = cloud.session("admin")
        lifted = dict.fromkeys(("volumes", "gigabytes"), -1)
        asked = {"quota_set": lifted}
        quotas = f"{admin.catalog['block-storage']}/os-quota-sets/{self.session.project_id}"
        self.ask("PUT", quotas, asked, 200, admin)
        flavors = self.ask("GET", f"{self.session.nova}/flavors", None, 200)["flavors"]
        server = {"name": "bench", "imageRef": image, "flavorRef": flavors[0]["id"], "networks": "none"}
        made = self.ask("POST", f"{self.session.nova}/servers", {"server": server}, 202)["server"]["id"]
        self.server = f"{self.session.nova}/servers/{made}"
        self.wait(self.server, "server", "ACTIVE")

    def ask(self, method: str, url: str, body: Any, expected: int, session: Session | None = None) -> Any:
        status, _, document = (session or self.session).http.call(method, url, body)
        if status != expected:
            raise DeployError(f"{method} {url}: {status} {str(document)[:300]}")
        return document

    def wait(self, url: str, kind: str, wanted: str) -> None:
        while (status := self.ask("GET", url, None, 200)[kind]["status"]) != wanted:
            if "error" in status.lower():
                raise DeployError(f"{url}: {status}")
            time.sleep(POLL_SECONDS)

    def create(self, count: int, concurrency: int) -> tuple[dict[str, float], list[str]]:
        """Make volumes; return the summary of their seconds with the rate, and their addresses."""
        taken, made = [], []

        def make(_: int) -> None:
            began = time.perf_counter()
            answer = self.ask("POST", f"{self.cinder}/volumes", {"volume": {"size": 1}}, 202)["volume"]["id"]
            made.append(f"{self.cinder}/volumes/{answer}")
            self.wait(made[-1], "volume", "available")
            taken.append(time.perf_counter() - began)

        seconds, errors = spread(count, concurrency, make)
        self.errors += errors
        return summary(taken, 50, 95) | {"per_second": round(len(taken) / seconds, 1)}, made

    def attach(self, volumes: list[str]) -> dict[str, dict[str, float]]:
        """Attach volumes to the running server and detach them, one after another."""
        taken: dict[str, list[float]] = {"attach": [], "detach": []}
        for volume in volumes:
            key = volume.rpartition("/")[2]
            began = time.perf_counter()
            self.ask("POST", f"{self.server}/os-volume_attachments", {"volumeAttachment": {"volumeId": key}}, 200)
            self.wait(volume, "volume", "in-use")
            taken["attach"].append(time.perf_counter() - began)
            began = time.perf_counter()
            self.ask("DELETE", f"{self.server}/os-volume_attachments/{key}", None, 202)
            self.wait(volume, "volume", "available")
            taken["detach"].append(time.perf_counter() - began)
        return {name: summary(values, 50, 95) for name, values in taken.items()}


def calls(options: argparse.Namespace) -> dict[str, Any]:
    with PrivateCloud(hosts=8, leave_out=("flower",)) as cloud:
        caller = Calls(cloud, options)
        caller.create(4, 1)
        alone, volumes = caller.create(options.count, 1)
        together, _ = caller.create(options.count * 2, 10)
        attached = caller.attach(volumes[: options.count])
        return {"create": alone, "create, 10 at once": together, **attached, "errors": caller.errors}


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "data": data,
    "steps": steps,
    "calls": calls,
    "far": far_volumes.attachments,
}


def main(arguments: list[str]) -> int:
    made = argparse.ArgumentParser(prog="python -m bench.volumes", description=__doc__)
    made.add_argument("--size", type=int, default=1024, help="MiB that are read and written")
    made.add_argument("--turns", type=int, default=3, help="the best one counts")
    made.add_argument("--count", type=int, default=40, help="volumes that are made, attachments (40)")
    made.add_argument("--parts", default="data,steps,calls")
    made.add_argument("--output", type=Path, default=Path(tempfile.gettempdir()) / "celerity-bench-volumes.json")
    options = made.parse_args(arguments)
    if missing := [tool for tool in ("qemu-img", "qemu-io", "qemu-storage-daemon") if shutil.which(tool) is None]:
        print(f"{', '.join(missing)} is not installed.", file=sys.stderr)
        return 1
    testrun.sweep()
    try:
        results = {part: PARTS[part](options) for part in options.parts.split(",")}
    except DeployError as error:
        print(error.message, error.details, file=sys.stderr)
        return 1
    show(results)
    options.output.write_text(json.dumps(results, indent=2))
    print(f"\nWritten to {options.output}.")
    return 0


def show(results: dict[str, Any]) -> None:
    if "data" in results:
        best = results["data"]["best"]
        print("MiB/s      ", ", ".join(f"{name} {value:.0f}" for name, value in best.items()))
        print(f"of the file: export {best['export'] / best['file']:.0%}, relays {best['relays'] / best['file']:.0%}")
        print("memory, MiB", results["data"]["memory_mib"])
    for part in ("steps", "calls", "far"):
        for name, values in results.get(part, {}).items():
            print(f"{name:24}", values)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
