"""OVN's real daemons under the supervisor, in a network namespace: registered, killed, restarted, removed."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy import processes
from deploy.checks import external_network, ovn, ovn_plugging
from deploy.checks.finding import Level
from deploy.environment import Environment
from deploy.ovn import daemons, external, health, places, removal, settings
from deploy.ovn.places import Places
from deploy.private.ovn import down, make_environment, namespace, supervised, up, wait_for
from deploy.supervision import orphans
from deploy.supervision.client import Supervisor
from tests.host.ovn_machine import MARKS, devices, tables

pytestmark = MARKS
REGISTERED_SECONDS, BACK_SECONDS = 10, 15


@pytest.fixture
def environment(state_directory: Path) -> Iterator[Environment]:
    with namespace():
        yield make_environment(state_directory, "h1")


@pytest.fixture
def supervisor(environment: Environment) -> Iterator[Supervisor]:
    with supervised(environment) as found:
        yield found


def addresses(bridge: str) -> list[str]:
    command = ["ip", "-json", "-4", "address", "show", "dev", bridge]
    [link] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return [f"{item['local']}/{item['prefixlen']}" for item in link["addr_info"]]


def port_is_up(here: Places, name: str) -> bool:
    question = ("--bare", "--columns=up", "find", "Logical_Switch_Port", f"name={name}")
    return places.run("ovn-nbctl", f"--db={here.northbound}", "--timeout=5", *question).stdout.strip() == "true"


def plug(here: Places, name: str) -> None:
    """Give a logical switch a port, and Open vSwitch the interface that carries it."""
    port = ("ovn-nbctl", f"--db={here.northbound}", "--timeout=5", "--may-exist", "ls-add", "net")
    port += ("--", "--may-exist", "lsp-add", "net", name)
    wait_for(lambda: places.run(*port, check=False).returncode == 0, BACK_SECONDS, "the northbound database")
    device = ("ovs-vsctl", f"--db={here.switch}", "--timeout=10", "--may-exist", "add-port", "br-int", name)
    device += ("--", "set", "Interface", name, "type=internal", f"external_ids:iface-id={name}")
    wait_for(lambda: places.run(*device, check=False).returncode == 0, BACK_SECONDS, "the switch")


def test_daemons_register_come_back_and_leave_nothing(environment: Environment, supervisor: Supervisor) -> None:
    here = places.of(environment)
    began = time.monotonic()
    up(environment, supervisor)
    assert time.monotonic() - began < REGISTERED_SECONDS
    assert {"br-int", "br-ex"} <= devices()
    assert addresses("br-ex") == ["198.19.0.1/24"]
    assert external.TABLE in tables()
    plug(here, "p0")
    wait_for(lambda: port_is_up(here, "p0"), 10, "a port that is up")
    assert str(health.examine(here)) == "1 chassis, 1 ports bound"
    for check in (ovn, external_network, ovn_plugging):
        assert check.check(environment).level is Level.OK, check.check(environment)
    subprocess.run(["ip", "address", "flush", "dev", "br-ex"], check=True)
    assert external_network.check(environment).level is Level.FAIL
    external.ensure(settings.read(environment))

    for number, name in enumerate(daemons.NAMES, start=1):
        victim = supervisor.states()[name]["pid"]
        os.kill(victim, 9)
        wait_for(lambda: supervisor.states()[name]["pid"] not in {0, victim}, BACK_SECONDS, f"{name} again")  # noqa: B023
        plug(here, f"p{number}")  # the whole way, from the northbound database to the switch and back
        wait_for(lambda: port_is_up(here, f"p{number}"), BACK_SECONDS, f"a port after {name} was killed")  # noqa: B023
    assert addresses("br-ex") == ["198.19.0.1/24"]

    # Again, as `make up` does on a running cloud: nothing is restarted.
    before = {name: record["pid"] for name, record in supervisor.states().items()}
    up(environment, supervisor)
    assert {name: record["pid"] for name, record in supervisor.states().items()} == before

    down(supervisor)
    assert orphans.find(environment, None) == []
    removal.remove(here)
    assert devices() == {"lo"}
    assert external.TABLE not in tables()
    assert not [p for p in psutil.process_iter(["cmdline"]) if f"{here.host}/" in " ".join(p.info["cmdline"] or ())]

    up(environment, supervisor)  # with the databases of before
    assert health.follows(here)
    wait_for(lambda: port_is_up(here, "p0"), 10, "the old port")


def test_what_a_killed_supervisor_leaves_is_removed(environment: Environment, supervisor: Supervisor) -> None:
    up(environment, supervisor)
    leader = psutil.Process(supervisor.pid())
    leader.kill()
    processes.wait_ended([leader], 5)
    left = orphans.find(environment, None)
    assert sorted(process.name() for process in left) == sorted(
        ["ovsdb-server", "ovsdb-server", "ovsdb-server", "ovs-vswitchd", "ovn-northd", "ovn-controller"]
    )
    processes.end(left, 10)
    removal.remove(places.of(environment))
    assert devices() == {"lo"}
    assert external.TABLE not in tables()
