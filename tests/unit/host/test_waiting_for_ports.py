"""The wait for the ports of a server that starts: its time limit, and whether missing it is fatal."""

from types import SimpleNamespace
from typing import Any

import pytest

from workers.drivers.network.errors import NetworkUnavailable
from workers.tasks.servers.base import wait_for_ports


@pytest.mark.parametrize(
    ("seconds", "fatal", "fails"), [(60, True, True), (60, False, False), (0, True, False), (0, False, False)]
)
def test_ports_that_do_not_come_up(settings: Any, seconds: int, fatal: bool, fails: bool) -> None:
    settings.VIF_PLUGGING_TIMEOUT, settings.VIF_PLUGGING_IS_FATAL = seconds, fatal
    waited: list[Any] = []

    def wait(ports: dict[str, Any], timeout_s: float) -> None:
        waited.append((ports, timeout_s))
        raise NetworkUnavailable("They did not come up.")

    drivers: Any = SimpleNamespace(network=SimpleNamespace(wait_until_up=wait))
    wait_for_ports({}, drivers)
    if fails:
        with pytest.raises(NetworkUnavailable):
            wait_for_ports({"p": ()}, drivers)
    else:
        wait_for_ports({"p": ()}, drivers)
    assert waited == [({"p": ()}, seconds)]
