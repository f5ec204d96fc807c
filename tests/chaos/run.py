"""Boots, actions and deletes under fire; then nothing is lost, nothing is left: python -m tests.chaos.run --seed 7"""

import argparse
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from deploy.private import libvirt as private_libvirt
from deploy.testrun import PREFIX, Services, root_of_states
from tests.chaos import real, volumes
from tests.chaos.killer import Killer
from tests.cloud import Cloud, wait_for

SETTINGS = {
    "CELERITY_HOSTS": "8",
    "CELERITY_QUOTA_INSTANCES": "100000",
    "CELERITY_QUOTA_CORES": "100000",
    "CELERITY_QUOTA_RAM": "100000000",
    "CELERITY_LOG_LEVEL": "WARNING",
    **volumes.SETTINGS,
}
DELETED_SHARE, ACTED_SHARE, VOLUME_SHARE = 0.4, 0.5, 0.3
SETTLED = ("active", "error", "stopped", "resized", "shelved", "shelved_offloaded", "rescued", "paused", "suspended")
# What is done to servers, and then perhaps; a server in another state refuses it with 409.
ACTIONS: tuple[tuple[dict[str, Any], ...], ...] = (
    ({"resize": {"flavorRef": "2"}}, {"confirmResize": None}),
    ({"resize": {"flavorRef": "2"}}, {"revertResize": None}),
    ({"migrate": None}, {"confirmResize": None}),
    ({"migrate": None}, {"revertResize": None}),
    ({"os-migrateLive": {"host": None, "block_migration": "auto"}},),
    ({"pause": None}, {"os-migrateLive": {"host": None, "block_migration": "auto"}}, {"unpause": None}),
    ({"suspend": None}, {"resume": None}),
    ({"shelve": None}, {"unshelve": None}),
    ({"shelve": None}, {"shelveOffload": None}, {"unshelve": None}),
    ({"createImage": {"name": "chaos"}},),
    ({"rebuild": {}},),
    ({"rescue": None}, {"unrescue": None}),
)
PATIENCE_SECONDS = 8.0
THINK_SECONDS = 2.0  # so that the storm lasts and every weapon has its turn
REST_SECONDS = 180.0
# Why a move or a rescue is refused: the server's host was struck, or it boots from a volume.
UNABLE = ("is unavailable at this time", "has no image: name one to rescue it with")
STRUCK = (502, 503)  # what the API may answer while something it needs is away
OPEN_FINDINGS = "SELECT kind, subject, host, found FROM workflow_finding WHERE resolved_at IS NULL"


@dataclass(frozen=True)
class Asked:
    """A server that was accepted. ``deleted``: True, its end was accepted too; False, nobody asked for it; None, it
    was asked for, and the API was struck before it answered.
    """

    id: str
    deleted: bool | None = False

    def is_right(self, state: str | None) -> bool:
        """Return whether a server ended as requested; None means that it has no row."""
        allowed = {True: ("deleted",), False: SETTLED, None: (*SETTLED, "deleted")}
        return state in allowed[self.deleted]


def one_server(cloud: Cloud, index: int, seed: int) -> Asked | None:
    """Request a server, and sometimes its deletion. None: no answer says that it was accepted."""
    chance = random.Random(f"{seed}:{index}")
    time.sleep(chance.uniform(0, THINK_SECONDS))
    try:
        networks = "auto" if chance.random() < 0.7 else "none"
        response = cloud.post_server(f"chaos-{index}", networks=networks, **volumes.of_server(cloud, chance))
    except requests.RequestException:
        return None  # the API was struck: the client knows that it knows nothing
    if response.status_code != 202:
        assert response.status_code in STRUCK, f"POST: {response.status_code} {response.text}"
        return None
    key = str(response.json()["server"]["id"])
    if chance.random() < ACTED_SHARE:
        act(cloud, key, chance)
    if chance.random() < VOLUME_SHARE:
        volumes.use_one(cloud, key, chance, STRUCK)
    if chance.random() >= DELETED_SHARE:
        return Asked(key)
    time.sleep(chance.uniform(0, 1.5))
    try:
        response = cloud.call("DELETE", f"/compute/v2.1/servers/{key}")
    except requests.RequestException:
        return Asked(key, None)
    assert response.status_code in (204, *STRUCK), f"DELETE: {response.status_code} {response.text}"
    return Asked(key, True if response.status_code == 204 else None)


def act(cloud: Cloud, key: str, chance: random.Random) -> None:
    """Do some of the actions of a row to a server, whatever its state, and hear no other refusal than 409."""
    for body in chance.choice(ACTIONS):
        time.sleep(chance.uniform(0.2, THINK_SECONDS))
        body = {"rebuild": {"imageRef": cloud.image()}} if "rebuild" in body else body
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while (response := _post(cloud, key, body)).status_code == 409 and time.monotonic() < deadline:
                time.sleep(0.5)  # it is being built, or at the action before
        except requests.RequestException:
            return
        if response.status_code == 400 and any(text in response.text for text in UNABLE):
            return
        allowed = (200, 202, 204, 409, *STRUCK)
        assert response.status_code in allowed, f"{body}: {response.status_code} {response.text}"


def _post(cloud: Cloud, key: str, body: dict[str, Any]) -> requests.Response:
    return cloud.call("POST", f"/compute/v2.1/servers/{key}/action", body, admin=True)


def storm(cloud: Cloud, *, seed: int, servers: int, concurrency: int) -> dict[str, object]:
    """Strike while ``servers`` are asked for, and more until every weapon had its turn; then let the cloud come to
    rest and look at what is there.
    """
    cloud.image()
    cloud.plan(spawn=0.05, cache_image=0.2)
    started = time.monotonic()
    killer = Killer(cloud, seed=seed)
    numbers, asked = itertools.count(), list[Asked | None]()

    def client() -> None:
        while (index := next(numbers)) < servers or not killer.is_through:
            asked.append(one_server(cloud, index, seed))

    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        clients = [pool.submit(client) for _ in range(concurrency)]
        killer.strike_while(lambda: not all(one.done() for one in clients))
    for one in clients:
        one.result()
    accepted = [one for one in asked if one]
    print(", ".join(killer.strikes), flush=True)
    stormed = time.monotonic() - started
    cloud.plan()
    wait_for(cloud.healthy, what="a healthy API", seconds=60)
    wait_for(lambda: not cloud.open_runs(), what=f"all runs to end: {cloud.open_runs()[:5]}", seconds=REST_SECONDS)
    states = dict(cloud.rows("SELECT id::text, vm_state FROM compute_server"))
    wrong = [(one, states.get(one.id)) for one in accepted if not one.is_right(states.get(one.id))]
    stuck = [key for key, state in states.items() if state not in (*SETTLED, "deleted")]
    causeless = cloud.rows("SELECT id FROM compute_server WHERE vm_state = 'error' AND fault_message = ''")
    cloud.assert_clean()
    assert not (wrong or stuck or causeless), (wrong, stuck, causeless)
    assert not killer.broken, killer.broken
    held = volumes.look(cloud)
    cloud.delete_all()
    volumes.delete_all(cloud)
    cloud.assert_clean()
    wait_for(lambda: not cloud.messages(), what=f"empty queues: {cloud.messages()}")
    wait_for(lambda: not cloud.rows(OPEN_FINDINGS), what=f"no open finding: {cloud.rows(OPEN_FINDINGS)}")
    faults = cloud.rows("SELECT fault_message, count(*) FROM compute_server WHERE fault_message <> '' GROUP BY 1")
    return {
        "seed": seed,
        "accepted": len(accepted),
        "states": dict(Counter(states.values())),
        "volumes": held,
        "faults": {text[:100]: count for text, count in faults},
        "strikes": len(killer.strikes),
        "findings repaired": dict(cloud.rows("SELECT kind, count(*) FROM workflow_finding GROUP BY 1")),
        "swept": dict(cloud.rows("SELECT label, value FROM workflow_tally WHERE name = 'sweeper_actions'")),
        "messages dropped": dict(cloud.rows("SELECT label, value FROM workflow_tally WHERE name = 'messages_dropped'")),
        "storm_s": round(stormed, 1),
        "rest_s": round(time.monotonic() - started - stormed, 1),
    }


def run(*, seed: int, servers: int, concurrency: int) -> dict[str, object]:
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    with Services(state) as services, Cloud(services, **SETTINGS) as cloud:
        return storm(cloud, seed=seed, servers=servers, concurrency=concurrency)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="default: by chance; it is printed")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, one after the other")
    parser.add_argument("--servers", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=20)
    parser.add_argument("--real", action="store_true", help="6 real guests under a libvirt of its own; needs root")
    chosen = parser.parse_args()
    if chosen.real and not private_libvirt.is_possible():
        parser.error("--real needs root, libvirtd, virtlogd and qemu-system-x86_64")
    first = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(1_000_000)
    failed = []
    for seed in range(first, first + chosen.seeds):
        print(f"seed {seed}", flush=True)
        try:
            told = (
                real.run(seed=seed)
                if chosen.real
                else run(seed=seed, servers=chosen.servers, concurrency=chosen.concurrency)
            )
            print(told, flush=True)
        except AssertionError as error:
            failed.append(seed)
            print(f"seed {seed} FAILED: {error}", flush=True)
    print(f"{chosen.seeds - len(failed)} passed, {len(failed)} failed" + (f": seeds {failed}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
