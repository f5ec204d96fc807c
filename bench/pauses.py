"""How long a guest stands still while something is done to it, as its hypervisor has it."""

import threading
import time
from types import TracebackType

import libvirt

STEP_SECONDS = 0.002


class Pauses:
    """Asks libvirt again and again for the block; ``longest_ms`` is the longest time that the guest did not run."""

    def __init__(self, uri: str, server_id: str) -> None:
        self._uri, self._server_id = uri, server_id
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.longest_ms = 0.0
        self.asked = 0

    def __enter__(self) -> "Pauses":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        connection = libvirt.open(self._uri)
        domain, since = connection.lookupByUUIDString(self._server_id), 0.0
        while not self._stop.wait(STEP_SECONDS):
            state, _ = domain.state()
            self.asked += 1
            if state in (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_BLOCKED):
                since = 0.0
                continue
            since = since or time.monotonic()
            self.longest_ms = max(self.longest_ms, round(1000 * (time.monotonic() - since), 1))
        connection.close()
