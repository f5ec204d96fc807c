"""One cloud of OVN's daemons with one host, for all tests of a process. Each test leaves it empty."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from deploy.private.ovn import namespace
from tests.cloud import wait_for
from tests.host.ovn.daemons import Central, Host, command, errors
from workers.drivers.network import loader
from workers.drivers.network.base import NetworkDriver
from workers.drivers.network.base.engine import CloudSpec, NetworkEngine


@pytest.fixture(scope="session")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    made = Central(tmp_path_factory.mktemp("ovn") / "central")
    yield made
    made.stop()


@pytest.fixture(scope="session")
def host(central: Central, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host(tmp_path_factory.mktemp("ovn") / "host", f"cly-ovn{os.getpid()}", central.southbound)
    yield made
    made.stop()


@pytest.fixture
def engine(central: Central) -> Iterator[NetworkEngine]:
    engine = loader.load_engine("ovn", {"northbound": central.northbound, "resolvers": ["198.18.0.53"]})
    yield engine
    engine.reconcile(CloudSpec())
    engine.close()


@pytest.fixture
def clean_logs(central: Central, host: Host) -> Iterator[None]:
    """No daemon has logged an error about our rows."""
    yield
    for path in [*central.directory.glob("*.log"), *host.directory.glob("*.log")]:
        assert errors(path.read_text().splitlines()) == [], path


@pytest.fixture
def clean_host(host: Host) -> Iterator[None]:
    """No guest leaves a port on the switch or a namespace.

    The patch port to an external network that is gone stays until ovn-controller computes everything again.
    """
    before = set(command("ip", "netns", "list").splitlines())
    yield

    def ports() -> list[str]:
        return [name for name in host.vsctl("list-ports", "br-int").split() if not name.startswith("patch-")]

    wait_for(lambda: not ports(), what="an empty switch")
    left = set(command("ip", "netns", "list").splitlines()) - before
    assert not {name for name in left if not name.startswith("celerity-lab-")}  # a lab may come up beside


@pytest.fixture
def driver(host: Host) -> Iterator[NetworkDriver]:
    """The host's driver, in the namespace where its taps are."""
    inside = os.open(f"/run/netns/{host.name}", os.O_RDONLY)
    driver = loader.load("ovn", {"switch": host.database})
    with namespace(inside):
        yield driver
    os.close(inside)
    driver.close()
