"""Actions on real guests amid which an agent, libvirtd or QEMU is killed: the server ends in a true state, usable, on
one host, with its disk whole.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.lab import machines
from tests.cloud import wait_for
from tests.lab.cloud import COMPUTE, LabCloud
from tests.lab.test_live_moves import await_agents, places
from tests.lab.test_moves import SECONDS, Moved
from tests.lab.test_outages import findings, kill

pytestmark = [pytest.mark.lab, pytest.mark.libvirt, pytest.mark.heavy, pytest.mark.timeout(900)]
VICTIMS = ("host-agent", "libvirtd", "qemu")
# What an owner does with a server in a state that an action left it in, to have it running.
NEXT: dict[str, dict[str, Any]] = {
    "SHUTOFF": {"os-start": None},
    "PAUSED": {"unpause": None},
    "SUSPENDED": {"resume": None},
    "RESCUE": {"unrescue": None},
    "VERIFY_RESIZE": {"revertResize": None},
    "SHELVED": {"unshelve": None},
    "SHELVED_OFFLOADED": {"unshelve": None},
}
ACTIONS: dict[str, dict[str, Any]] = {
    "suspend": {"suspend": None},
    "rescue": {"rescue": None},
    "rebuild": {"rebuild": {"imageRef": ""}},
    "image": {"createImage": {"name": "amid"}},
    "shelve": {"shelve": None},
    "stop": {"os-stop": None},
    "reboot": {"reboot": {"type": "HARD"}},
}
MOVES: dict[str, dict[str, Any]] = {"migrate": {"migrate": {"host": "compute-2"}}, "revert": {"revertResize": None}}


@pytest.fixture(scope="module")
def ours(lab_cloud: LabCloud) -> Iterator[Moved]:
    """A guest on the first host, with a file, for all cells."""
    with lab_cloud.machine.entered():
        network, _, group = places(lab_cloud)
        guest = lab_cloud.reachable(lab_cloud.active(lab_cloud.order("often", "compute-1", network, group)))
        yield Moved(lab_cloud, guest)
        lab_cloud.clear()
        wait_for(lambda: not findings(lab_cloud), what="a cloud without findings", seconds=90)


def shown(moved: Moved) -> dict[str, Any]:
    server: dict[str, Any] = moved.cloud.api.get(f"{COMPUTE}/servers/{moved.guest.id}")["server"]
    return server


def rest(moved: Moved) -> str:
    """Return the status once nothing is done with the server."""
    return str(
        wait_for(
            lambda: None if (now := shown(moved))["OS-EXT-STS:task_state"] else now["status"],
            what="the action over",
            seconds=SECONDS,
        )
    )


def begin(moved: Moved, body: dict[str, Any]) -> None:
    """Ask for an action, and return while it is under way, or over already."""
    moved.cloud.api.post(f"{COMPUTE}/servers/{moved.guest.id}/action", body, microversion="2.93")
    before = time.monotonic()
    while time.monotonic() - before < 5 and not shown(moved)["OS-EXT-STS:task_state"]:
        pass


def usable(moved: Moved, *, is_new: bool = False) -> None:
    """Bring the server back as its owner does, and see that it runs, answers and has its file, on its host alone.

    ``is_new``: its disk was made again, perhaps, and gets another file.
    """

    def answers() -> bool:
        status = rest(moved)
        if status in NEXT:
            moved.cloud.api.post(f"{COMPUTE}/servers/{moved.guest.id}/action", NEXT[status], microversion="2.93")
            return False
        assert status == "ACTIVE", shown(moved)
        return moved.cloud.ssh(moved.guest, "true", check=False) is not None

    wait_for(answers, what="a server that answers", seconds=SECONDS)
    if is_new:
        moved.sum = Moved(moved.cloud, moved.guest).sum
    moved.check(host=str(shown(moved)["OS-EXT-SRV-ATTR:host"]))


def die(moved: Moved, victim: str, host: str) -> None:
    if victim == "qemu":  # which an action may have ended already
        machines.run(moved.cloud.host(host), "pkill", "-9", "-f", f"qemu-system.*{moved.guest.id}", check=False)
    else:
        kill(moved.cloud.host(host), victim)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("action", ACTIONS)
def test_something_dies_amid_an_action(cloud: LabCloud, ours: Moved, action: str, victim: str) -> None:
    usable(ours)
    body = ACTIONS[action]
    if action == "rebuild":
        body = {"rebuild": {"imageRef": cloud.image}}
    begin(ours, body)
    die(ours, victim, str(shown(ours)["OS-EXT-SRV-ATTR:host"] or "compute-1"))
    print(f"{action}, {victim}: {rest(ours)}")
    await_agents(cloud)
    usable(ours, is_new=action == "rebuild")
    images = cloud.api.get("/image/v2/images", name="amid")["images"]
    assert all(image["status"] == "active" for image in images), images
    for image in images:
        cloud.api.delete(f"/image/v2/images/{image['id']}")
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=90)


@pytest.mark.parametrize("at", ["compute-1", "compute-2"])
@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("move", MOVES)
def test_something_dies_amid_a_cold_move(cloud: LabCloud, ours: Moved, move: str, victim: str, at: str) -> None:
    """Away from the first host, or back to it."""
    usable(ours)
    if str(shown(ours)["OS-EXT-SRV-ATTR:host"]) != "compute-1":
        ours.act({"migrate": {"host": "compute-1"}}, "VERIFY_RESIZE")
        ours.act({"confirmResize": None}, "ACTIVE")
    if move == "revert":
        ours.act(MOVES["migrate"], "VERIFY_RESIZE")
    begin(ours, MOVES[move])
    die(ours, victim, at)
    print(f"{move}, {victim} of {at}: {rest(ours)}")
    await_agents(cloud)
    usable(ours)
    wait_for(lambda: not findings(cloud), what="a cloud without findings", seconds=90)
