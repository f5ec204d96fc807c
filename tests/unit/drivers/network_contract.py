"""What every network driver must do. A subclass gives `driver` and `network`."""

from __future__ import annotations

import dataclasses

import pytest

from tests.unit.drivers import samples
from workers.drivers.network.base import FixedIP, NetworkDriver, NetworkSpec, SubnetSpec
from workers.drivers.network.errors import AddressOverlap, PortInvalid


class NetworkContract:
    """Fixtures: `driver`, and `network`, which is removed afterwards."""

    def test_ensure_and_remove(self, driver: NetworkDriver, network: NetworkSpec) -> None:
        for _ in range(2):
            driver.ensure_network(network)
            assert driver.list_networks() == (network.id,)
        for _ in range(2):
            driver.remove_network(network.id)
            assert driver.list_networks() == ()

    def test_plug_and_unplug(self, driver: NetworkDriver, network: NetworkSpec) -> None:
        port = samples.port(network, hostname="web")
        for _ in range(2):
            driver.plug(network, port)
            (found,) = driver.list_ports()
            assert (found.id, found.network_id, found.mac, found.tap) == (port.id, network.id, port.mac, port.tap)
            assert found.ips == (port.fixed_ips[0].ip,)
        for _ in range(2):
            driver.unplug(network.id, port.id)
            assert driver.list_ports() == ()
        assert driver.list_networks() == (() if driver.capabilities.real_packets else (network.id,))
        driver.plug(network, port)
        assert driver.list_networks() == (network.id,)

    def test_a_port_changes(self, driver: NetworkDriver, network: NetworkSpec) -> None:
        port = samples.port(network)
        driver.plug(network, port)
        driver.plug(network, dataclasses.replace(port, fixed_ips=samples.port(network, 77).fixed_ips))
        (found,) = driver.list_ports()
        assert found.ips[0].endswith(".77")

    def test_what_is_whole_has_no_faults(self, driver: NetworkDriver, network: NetworkSpec) -> None:
        port = samples.port(network, hostname="web")
        driver.plug(network, port)
        assert driver.faults(network, [port]) == ()
        assert driver.faults(dataclasses.replace(network, mtu=1400), [port]) == ()
        assert driver.residue(remove=True) == ()
        assert [item.id for item in driver.list_ports()] == [port.id]

    def test_a_network_changes(self, driver: NetworkDriver, network: NetworkSpec) -> None:
        port = samples.port(network)
        driver.plug(network, port)
        more = SubnetSpec(samples.new_id(), "198.19.7.0/24", "198.19.7.1")
        changed = dataclasses.replace(network, subnets=(*network.subnets, more), mtu=1400)
        driver.ensure_network(changed)
        assert [item.id for item in driver.list_ports()] == [port.id]
        driver.ensure_network(network)

    def test_remove_takes_the_ports_along(self, driver: NetworkDriver, network: NetworkSpec) -> None:
        driver.plug(network, samples.port(network, 10))
        driver.plug(network, samples.port(network, 11))
        driver.remove_network(network.id)
        assert driver.list_ports() == ()

    def test_what_is_absent(self, driver: NetworkDriver) -> None:
        driver.unplug(samples.new_id(), samples.new_id())
        driver.remove_network(samples.new_id())
        assert driver.lease(samples.new_id(), samples.new_id()) is None

    def test_a_port_that_does_not_fit(self, driver: NetworkDriver, network: NetworkSpec) -> None:
        outside = (FixedIP(network.subnets[0].id, "198.19.200.1"),)
        unknown = (FixedIP(samples.new_id(), network.subnets[0].cidr.replace(".0/24", ".9")),)
        for fixed in (outside, unknown):
            with pytest.raises(PortInvalid):
                driver.plug(network, samples.port(network, fixed_ips=fixed))
        assert driver.list_ports() == ()

    def test_ipv6_is_stored(self, driver: NetworkDriver, network: NetworkSpec) -> None:
        six = SubnetSpec(samples.new_id(), "fd00:7e57::/64", "fd00:7e57::1")
        both = dataclasses.replace(network, subnets=(*network.subnets, six))
        port = samples.port(both)
        port = dataclasses.replace(port, fixed_ips=(*port.fixed_ips, FixedIP(six.id, "fd00:7e57::10")))
        driver.plug(both, port)
        assert driver.list_ports()[0].ips[1] == "fd00:7e57::10"

    def test_ranges_that_overlap(self, driver: NetworkDriver, network: NetworkSpec) -> None:
        other = dataclasses.replace(samples.network(250), subnets=network.subnets)
        driver.ensure_network(network)
        if driver.capabilities.overlapping_ranges:
            driver.ensure_network(other)
            driver.remove_network(other.id)
        else:
            with pytest.raises(AddressOverlap):
                driver.ensure_network(other)
        assert driver.list_networks() == (network.id,)
