"""vendor_data2.json: what a service of the operator's says about a server, asked when the guest asks."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from apps.metadata import vendor_services
from workers.host.metadata.logs import Problems

AT_ONCE = 8
KEPT_SECONDS = 30.0


class VendorData:
    """The service at a URL. Without one, or without its answer in time, the document is empty."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="vendor data")
        self._kept: dict[str, tuple[float, bytes]] = {}
        self._asked: dict[str, asyncio.Future[bytes]] = {}
        self._problems = Problems()

    async def of(self, request: dict[str, Any]) -> bytes:
        """Return the document of the server that ``request`` describes, under Nova's names."""
        server_id = str(request["instance-id"])
        until, content = self._kept.get(server_id, (0.0, b"{}"))
        if not self._url or time.monotonic() < until:
            return content
        if server_id not in self._asked:
            loop = asyncio.get_running_loop()
            asked = loop.run_in_executor(self._threads, self._fetch, request)
            self._asked[server_id] = asked
            asked.add_done_callback(lambda _: self._asked.pop(server_id, None))
        try:
            content = await asyncio.wait_for(asyncio.shield(self._asked[server_id]), self._timeout_s)
        except (OSError, ValueError, TimeoutError) as error:
            self._problems.met("vendor data service does not answer", error)
            return b"{}"
        self._problems.over("vendor data service does not answer")
        self._kept[server_id] = (time.monotonic() + KEPT_SECONDS, content)
        return content

    def forget_old(self) -> None:
        now = time.monotonic()
        for key in [key for key, (until, _) in self._kept.items() if until <= now]:
            del self._kept[key]

    def _fetch(self, request: dict[str, Any]) -> bytes:
        """Ask the service. Raises OSError, ValueError."""
        return json.dumps(vendor_services.ask(self._url, request, self._timeout_s)).encode()
