"""Databases that die or are lost: the engine reports it, guests' traffic continues, and rows restore everything."""

from __future__ import annotations

import queue
import signal

import pytest

from tests.cloud import wait_for
from tests.host.ovn.daemons import NB_SCHEMA, Central, Host
from tests.host.ovn.guests import Guest, guest, pinging
from tests.host.ovn.test_l2 import wait_until_up
from tests.unit.drivers import engine_contract
from workers.drivers.network import loader
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import PortState
from workers.drivers.network.errors import EngineUnavailable

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]


def answers(engine: NetworkEngine) -> bool:
    try:
        engine.ping()
    except EngineUnavailable:
        return False
    return True


def writes(engine: NetworkEngine) -> bool:
    try:
        engine.claim()
    except EngineUnavailable:
        return False
    return True


def give_address(of: Guest, address: str) -> None:
    assert of.run("ip", "addr", "add", f"{address}/24", "dev", "eth0").returncode == 0


def test_the_northbound_database_dies(engine: NetworkEngine, central: Central, host: Host) -> None:
    network = engine_contract.network(61)
    one, two, late = (engine_contract.port(network, 10 + n) for n in range(3))
    engine.l2.ensure_ports(network, [one, two])
    heard: queue.Queue[PortState] = queue.Queue()
    stop = engine.watch(heard.put)
    with guest(host, one) as first, guest(host, two) as second:
        wait_until_up(engine, one, two)
        give_address(first, "10.77.61.10")
        give_address(second, "10.77.61.11")
        assert first.pings("10.77.61.11")
        with pinging(first, "10.77.61.11") as pings:
            central.kill("nb")
            with pytest.raises(EngineUnavailable):
                engine.l2.ensure_ports(network, [late])
            central.restart("nb")
            wait_for(lambda: answers(engine), what="the northbound database")
            engine.l2.ensure_ports(network, [late])
        assert pings.sent == pings.received > 0
        assert engine.differences(engine_contract.cloud((network, (one, two, late)))) == ()
        wait_for(lambda: late.id in [port.id for port in list(heard.queue)], what="the watch that connects again")
    stop()


def test_the_northbound_database_is_lost(engine: NetworkEngine, central: Central, host: Host) -> None:
    """It is made again from rows while ovn-northd is paused; the southbound database does not notice."""
    network = engine_contract.network(62)
    one, two = (engine_contract.port(network, 10 + n) for n in range(2))
    wanted = engine_contract.cloud((network, (one, two)))
    engine.l2.ensure_ports(network, [one, two])
    with guest(host, one) as first, guest(host, two) as second:
        wait_until_up(engine, one, two)
        give_address(first, "10.77.62.10")
        give_address(second, "10.77.62.11")
        assert first.pings("10.77.62.11")
        before = central.sbctl("--bare", "--columns=_uuid,tunnel_key", "list", "Datapath_Binding")
        with pinging(first, "10.77.62.11") as pings:
            central.pause_northd()
            central.kill("nb", signal.SIGTERM)
            central.make_database("nb", NB_SCHEMA)
            central.restart("nb")
            wait_for(lambda: answers(engine), what="the northbound database")
            assert (
                len(engine.reconcile(wanted))
                == len(central.nbctl("--bare", "--columns=_uuid", "list", "Logical_Switch_Port").split()) + 2
            )
            central.resume_northd()
            wait_until_up(engine, one, two)
        assert pings.sent == pings.received > 0
        assert central.sbctl("--bare", "--columns=_uuid,tunnel_key", "list", "Datapath_Binding") == before
        assert engine.reconcile(wanted) == ()


def test_a_removed_port_is_cut_off(engine: NetworkEngine, host: Host) -> None:
    network = engine_contract.network(63)
    one, two = (engine_contract.port(network, 10 + n) for n in range(2))
    engine.l2.ensure_ports(network, [one, two])
    with guest(host, one) as first, guest(host, two) as second:
        wait_until_up(engine, one, two)
        give_address(first, "10.77.63.10")
        give_address(second, "10.77.63.11")
        assert first.pings("10.77.63.11")
        engine.l2.remove_ports([two.id])
        wait_for(lambda: not first.pings("10.77.63.11"), what="no answer of a removed port")


def test_one_process_writes(engine: NetworkEngine, central: Central) -> None:
    """A second network worker waits; `network_sync` takes over, and the first one's next write fails."""
    network = engine_contract.network(64)
    first, second = (loader.load_engine("ovn", {"northbound": central.northbound}) for _ in range(2))
    first.claim()
    first.l2.ensure_network(network)
    with pytest.raises(EngineUnavailable, match="Another process"):
        second.claim()
    with pytest.raises(EngineUnavailable, match="Another process"):
        second.l2.remove_networks([network.id])
    second.claim(steal=True)
    with pytest.raises(EngineUnavailable, match="Another process"):
        first.l2.remove_networks([network.id])
    assert second.l2.list_networks() == first.l2.list_networks() == {network.id}
    second.close()
    wait_for(lambda: writes(first), what="the lock, when the server has seen that its owner is gone")
    central.kill("nb")
    central.restart("nb")
    wait_for(lambda: answers(engine), what="the northbound database")
    first.l2.ensure_network(network)  # claimed again, with the new connection
    first.close()
