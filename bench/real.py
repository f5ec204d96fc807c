"""Real guests: from POST to a running domain with a warm image cache, beside a bare `virsh create` of the same XML."""

import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.client import Session, now
from bench.private_cloud import PrivateCloud
from deploy import first_image, testrun
from deploy.errors import DeployError
from deploy.ovn import places
from deploy.private import libvirt as private_libvirt
from deploy.private import ovn
from deploy.private.libvirt import PrivateLibvirt

BOOTS = 5
DEADLINE_SECONDS = 60.0


def measure() -> dict[str, Any] | str:
    """Return medians in seconds and every single value, or a sentence that says why nothing was measured."""
    if not private_libvirt.is_possible() or shutil.which("ovs-vswitchd", path="/usr/sbin:/usr/bin") is None:
        return "not measured: they need root, libvirt, Open vSwitch and OVN"
    image = first_image.ensure()
    state = testrun.make_state()
    try:
        with _machine(state) as (libvirt, settings), _cloud(settings) as cloud:
            try:
                cloud.start("host-agent")
                cloud.await_hosts(1)
                return _boots(cloud, libvirt, image)
            finally:
                cloud.end("host-agent")
                cloud.manage("host_shutdown", "--timeout", "0")
    finally:
        shutil.rmtree(state, ignore_errors=True)


def _cloud(settings: dict[str, str]) -> PrivateCloud:
    options: dict[str, Any] = {"CELERITY_HYPERVISOR": "libvirt", **settings}
    return PrivateCloud(hosts=0, leave_out=("flower", "host-agent"), **options)


@contextmanager
def _machine(state: Path) -> Iterator[tuple[PrivateLibvirt, dict[str, str]]]:
    """Run a machine's libvirt and OVN in a network namespace; give the settings that lead to them."""
    host = f"bench-{uuid.uuid4().hex[:6]}"
    (state / "machine").mkdir()
    machine = ovn.make_environment(state / "machine", host)
    here = places.of(machine)
    with ovn.namespace(), ovn.supervised(machine) as supervisor:
        ovn.up(machine, supervisor)
        with PrivateLibvirt(state / "libvirt", **here.variables) as libvirt:
            yield (
                libvirt,
                {
                    "CELERITY_HOST": host,
                    "CELERITY_LIBVIRT_URI": libvirt.uri,
                    "CELERITY_NORTHBOUND": here.northbound,
                    "CELERITY_SWITCH": here.switch,
                },
            )
        ovn.down(supervisor)


def _boots(cloud: PrivateCloud, libvirt: PrivateLibvirt, path: Path) -> dict[str, Any]:
    image, network = cloud.prepare(path, "qcow2")
    session = cloud.session("demo")
    body = {"imageRef": image, "flavorRef": "1", "networks": [{"uuid": network}]}
    times: dict[str, list[float]] = {}
    for turn in range(BOOTS + 1):
        values = _boot(session, libvirt, {"server": {"name": f"bench-{turn}", **body}}, cloud.environment.run)
        for name, seconds in values.items() if turn else ():  # the first fills the host's image cache
            times.setdefault(name, []).append(round(seconds, 4))
    medians = {name: round(median(values), 4) for name, values in times.items()}
    medians["The control plane's share"] = round(medians["POST to domain running"] - medians["bare virsh create"], 4)
    return {"medians": medians, "runs": times}


def _boot(session: Session, libvirt: PrivateLibvirt, body: dict[str, Any], directory: Path) -> dict[str, float]:
    """Boot one server, then start its domain once more without the cloud; delete it."""
    began = now()
    status, _, document = session.http.call("POST", f"{session.nova}/servers", body)
    posted = now()
    if status != 202:
        raise DeployError(f"POST: {status} {str(document)[:300]}")
    key = document["server"]["id"]
    _wait(lambda: _is_running(libvirt, key), f"domain {key} running")
    running = now()
    _wait(lambda: _state(session, key) == "ACTIVE", f"server {key} ACTIVE")
    active = now()
    try:
        bare = _bare_create(libvirt, key, directory)
    finally:
        session.http.call("DELETE", f"{session.nova}/servers/{key}")
        _wait(lambda: _state(session, key) == "", f"server {key} gone")
    return {
        "POST answered": posted - began,
        "POST to domain running": running - began,
        "POST to ACTIVE": active - began,
        "bare virsh create": bare,
    }


def _bare_create(libvirt: PrivateLibvirt, key: str, directory: Path) -> float:
    xml = directory / f"{key}.xml"
    xml.write_text(_virsh(libvirt, "dumpxml", "--inactive", key))
    _virsh(libvirt, "destroy", key)
    with ThreadPoolExecutor(max_workers=1) as aside:
        began = now()
        created = aside.submit(_virsh, libvirt, "create", str(xml))
        _wait(lambda: _is_running(libvirt, key) or created.done(), "a bare domain running")
        seconds = now() - began
        created.result()
    _virsh(libvirt, "destroy", key)
    return seconds


def _virsh(libvirt: PrivateLibvirt, *arguments: str) -> str:
    done = libvirt.virsh(*arguments)
    if done.returncode != 0:
        raise DeployError(f"virsh {arguments[0]} failed.", details=done.stderr)
    return done.stdout


def _is_running(libvirt: PrivateLibvirt, key: str) -> bool:
    """Look for the guest's process: asking libvirt would cost as much as what is measured."""
    for path in (libvirt.root / "run" / "qemu").glob("*.xml"):
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        if key in text and "<domstatus state='running'" in text:
            return True
    return False


def _state(session: Session, key: str) -> str:
    status, _, document = session.http.call("GET", f"{session.nova}/servers/{key}")
    if status == 200 and document["server"]["status"] == "ERROR":
        raise DeployError(f"server {key}: {document['server'].get('fault')}")
    return str(document["server"]["status"]) if status == 200 else ""


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise DeployError(f"Not within {DEADLINE_SECONDS:.0f} s: {what}")
        time.sleep(0.005)
