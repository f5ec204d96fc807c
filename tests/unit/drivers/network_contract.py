"""What every driver of a host's ports must do. A subclass gives `driver`, where `plug` is all that plugs."""

from __future__ import annotations

from tests.unit.drivers import samples
from workers.drivers.network.base import NetworkDriver


class NetworkContract:
    """Fixture: `driver`."""

    def test_plug_and_unplug(self, driver: NetworkDriver) -> None:
        port = samples.port(samples.network())
        for _ in range(2):
            driver.plug(port)
            (plugged,) = driver.list_ports()
            assert (plugged.id, plugged.mac, plugged.tap) == (port.id, port.mac, port.tap)
        for _ in range(2):
            driver.unplug(port.id)
            assert driver.list_ports() == ()

    def test_faults(self, driver: NetworkDriver) -> None:
        first, second = (samples.port(samples.network()) for _ in range(2))
        driver.plug(first)
        driver.wait_until_up({first.id: ()}, 5)
        assert driver.faults([]) == {}
        assert driver.faults([first, second]) == {second.id: "not plugged"}
        assert driver.residue(remove=True) == ()
        assert [port.id for port in driver.list_ports()] == [first.id]
