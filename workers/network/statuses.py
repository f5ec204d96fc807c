"""The status of ports, as hosts have them: a port that is up is ACTIVE, one that was and is not, DOWN."""

import threading
import uuid
from contextlib import suppress

from apps.networking import states
from apps.networking.services import bindings
from workers.drivers.network.base.l2 import PortState


class Statuses:
    """Hears of ports from the engine's thread, and writes what changed when asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._up: set[str] = set()
        self._changed: dict[str, bool] = {}

    def hear(self, port: PortState) -> None:
        """Take a port's state. One that has not been up yet is no news when it is down."""
        with self._lock:
            if port.up == (port.id in self._up):
                return
            self._changed[port.id] = port.up
            (self._up.add if port.up else self._up.discard)(port.id)

    def flush(self) -> None:
        """Write what changed; 1 statement for each status. What failed is written the next time."""
        with self._lock:
            taken, self._changed = self._changed, {}
        try:
            for status, up in ((states.ACTIVE, True), (states.DOWN, False)):
                if ids := _ids(taken, up=up):
                    bindings.set_status(port_ids=ids, status=status)
        except BaseException:
            with self._lock:
                self._changed = {**taken, **self._changed}
            raise


def _ids(changed: dict[str, bool], *, up: bool) -> list[uuid.UUID]:
    ids = []
    for port_id, is_up in changed.items():
        if is_up == up:
            with suppress(ValueError):
                ids.append(uuid.UUID(port_id))
    return ids
