"""The same against real libvirt, in small: a few real guests, kills of the agent, of libvirtd and of QEMU processes."""

import random
import subprocess
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.networking.states import tap_of
from deploy import first_image
from deploy.private.libvirt import PrivateLibvirt
from deploy.testrun import PREFIX, root_of_states
from tests.cloud import Cloud, wait_for
from tests.host.ovn_cloud import ovn_cloud

PAUSE_SECONDS = (0.5, 2.5)
AWAY_SECONDS = (0.2, 3.0)  # how long libvirtd stays dead
REST_SECONDS = 240.0
RANGE = "198.18.78.0/24"


class RealKiller:
    """Strikes the agent, libvirtd and guests. The same seed strikes in the same order."""

    def __init__(self, cloud: Cloud, libvirt: PrivateLibvirt, seed: int) -> None:
        self.cloud, self.libvirt = cloud, libvirt
        self.random = random.Random(seed)
        self.strikes: list[str] = []
        self.weapons: list[tuple[str, Callable[[], None]]] = [
            ("kill agent", lambda: cloud.kill("agent")),
            ("kill libvirtd", self._kill_libvirtd),
            ("kill a guest", self._kill_a_guest),
        ]

    def strike(self) -> None:
        """Every weapon is used once before any is used again."""
        if len(self.strikes) % len(self.weapons) == 0:
            self.random.shuffle(self.weapons)
        name, weapon = self.weapons[len(self.strikes) % len(self.weapons)]
        self.strikes.append(name)
        weapon()

    def pause(self) -> None:
        time.sleep(self.random.uniform(*PAUSE_SECONDS))

    def _kill_libvirtd(self) -> None:
        self.libvirt.kill()
        time.sleep(self.random.uniform(*AWAY_SECONDS))
        self.libvirt.start()

    def _kill_a_guest(self) -> None:
        guests = sorted(self.libvirt.guests(), key=lambda process: process.create_time())
        if guests:
            self.random.choice(guests).kill()
        else:
            self.strikes[-1] += " (there was none)"


@contextmanager
def real_cloud(**settings: str) -> Iterator[tuple[Cloud, PrivateLibvirt]]:
    """A cloud of real processes on its own libvirt and OVN, with the image `tiny` and a network."""
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    with ovn_cloud(state, first_image.ensure(), **settings) as (cloud, libvirt):
        network = cloud.call("POST", "/network/v2.0/networks", {"network": {"name": "test"}}).json()["network"]
        subnet = {"network_id": network["id"], "cidr": RANGE, "ip_version": 4}
        assert cloud.call("POST", "/network/v2.0/subnets", {"subnet": subnet}).status_code == 201
        yield cloud, libvirt


def storm(cloud: Cloud, libvirt: PrivateLibvirt, *, seed: int, servers: int, strikes: int) -> dict[str, object]:
    """Strike while guests are built and run. Afterwards everything becomes idle and is deleted without residue."""
    started = time.monotonic()
    image = cloud.call("GET", "/image/v2/images?name=tiny").json()["images"][0]["id"]
    killer = RealKiller(cloud, libvirt, seed)
    keys = [cloud.create(f"real-{index}", imageRef=image) for index in range(servers)]
    for _ in range(strikes):
        killer.pause()
        killer.strike()
    print(", ".join(killer.strikes), flush=True)
    states = look_at_rest(cloud, libvirt, keys)
    stormed = time.monotonic() - started
    taps = taps_of(cloud)
    cloud.delete_all()
    cloud.assert_clean()
    assert_nothing_left(cloud, libvirt, keys, taps)
    findings = cloud.rows("SELECT kind, count(*) FROM workflow_finding GROUP BY 1")
    faults = cloud.rows("SELECT fault_message, count(*) FROM compute_server WHERE fault_message <> '' GROUP BY 1")
    return {
        "seed": seed,
        "strikes": killer.strikes,
        "states": dict(Counter(states.values())),
        "faults": {text[:100]: count for text, count in faults},
        "findings repaired": dict(findings),
        "storm_s": round(stormed, 1),
        "all_s": round(time.monotonic() - started, 1),
    }


def look_at_rest(cloud: Cloud, libvirt: PrivateLibvirt, keys: list[str]) -> dict[str, str]:
    """Every server is ACTIVE and runs, SHUTOFF and does not (its QEMU was killed), or in ERROR with the cause."""
    servers = [cloud.settled(key, seconds=REST_SECONDS) for key in keys]
    causeless = [one["id"] for one in servers if one["status"] == "ERROR" and not one["fault"]["message"]]
    assert not causeless, causeless
    odd = {one["id"]: one["status"] for one in servers if one["status"] not in ("ACTIVE", "SHUTOFF", "ERROR")}
    assert not odd, odd

    def agrees() -> bool:
        """Rows and libvirt agree about every guest, soon after the last kill."""
        running = set(libvirt.virsh("list", "--uuid").stdout.split())
        active = {key for key in keys if (cloud.server(key) or {}).get("status") == "ACTIVE"}
        return active == running

    wait_for(agrees, what="power states as libvirt has them", seconds=60)
    cloud.assert_clean()
    wait_for(lambda: not cloud.rows("SELECT 1 FROM workflow_finding WHERE resolved_at IS NULL"), what="no open finding")
    return {key: str((cloud.server(key) or {})["status"]) for key in keys}


def taps_of(cloud: Cloud) -> set[str]:
    rows = cloud.rows("SELECT id::text FROM networking_port WHERE request_index IS NOT NULL")
    return {tap_of(uuid.UUID(key)) for (key,) in rows}


def assert_nothing_left(cloud: Cloud, libvirt: PrivateLibvirt, keys: list[str], taps: set[str]) -> None:
    """No domain, process, tap, card, logical port or file of any of the servers."""
    assert libvirt.domains() == set()
    assert libvirt.guests() == []
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert not [tap for tap in taps if tap in links]
    host = cloud.state / "hosts" / cloud.environment["CELERITY_HOST"]
    assert list((host / "instances").iterdir()) == []
    assert not taps & set(on_switch(cloud, "list-ports", "br-int"))
    northbound = ["ovn-nbctl", f"--db={cloud.environment['CELERITY_NORTHBOUND']}", "--bare", "--columns=name"]

    def of_guests() -> str:
        """The network worker removes a port soon after its row."""
        done = subprocess.run([*northbound, "find", "Logical_Switch_Port", 'type=""'], capture_output=True, check=True)
        return done.stdout.decode().strip()

    wait_for(lambda: of_guests() == "", what="no port in the northbound database")


def on_switch(cloud: Cloud, *command: str) -> list[str]:
    """Run a command on the host's switch; return the lines that it prints."""
    argv = ["ovs-vsctl", f"--db={cloud.environment['CELERITY_SWITCH']}", "--timeout=10", *command]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


def run(*, seed: int, servers: int = 6, strikes: int = 9) -> dict[str, object]:
    with real_cloud() as (cloud, libvirt):
        return storm(cloud, libvirt, seed=seed, servers=servers, strikes=strikes)
