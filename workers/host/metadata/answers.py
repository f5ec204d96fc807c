"""Documents of guests: asked of the API, many guests in one signed question, and kept for seconds.

What is kept is known by port and server. So an address that passes to another server, on this host or elsewhere,
never leads to its former holder's documents.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from workers.drivers.network.ovn.known_ports import KnownPort
from workers.host.metadata.logs import Problems

Bundle = dict[str, Any]
Key = tuple[str, str]  # port, server
Ask = Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]]
DOCUMENTS, PASSWORDS = "/metadata/v1/documents", "/metadata/v1/passwords"
AT_ONCE = 32  # guests of one question
QUESTIONS = 2  # under way at once
MEANT = {DOCUMENTS: (200,), PASSWORDS: (204, 400, 404, 409)}  # a redirect, say, is no answer
UNKNOWN_SECONDS = 2.0  # a port whose row comes a moment later is asked for again


class Unavailable(Exception):
    """The API gives no answer now."""


class Answers:
    """Used on one event loop. ``ask`` sends a document to a path of the API and returns status and answer.

    It may block, and raises OSError and ValueError. ``devices`` gives a server's tagged devices, the host's to know.
    """

    def __init__(
        self, ask: Ask, *, host: str, cache_seconds: float, devices: Callable[[str], list[Any]] = lambda _: []
    ) -> None:
        self._ask, self._host, self._seconds, self._devices = ask, host, cache_seconds, devices
        self._kept: dict[Key, tuple[float, Bundle | None]] = {}
        self._awaited: dict[Key, asyncio.Future[Bundle | None]] = {}
        self._queue: deque[Key] = deque()
        self._threads = ThreadPoolExecutor(QUESTIONS + 1, thread_name_prefix="question")
        self._tasks: set[asyncio.Task[None]] = set()
        self._workers = 0  # of the tasks, those that will look at the queue once more
        self._problems = Problems()
        self.questions = self.failures = 0
        self.fails = False  # the last question got no answer

    async def of(self, port: KnownPort) -> Bundle | None:
        """Return a port's documents; None for a port that the API does not know here. Raises Unavailable."""
        key = (port.id, port.server_id)
        until, bundle = self._kept.get(key, (0.0, None))
        if time.monotonic() < until:
            return bundle
        if key not in self._awaited:
            self._awaited[key] = asyncio.get_running_loop().create_future()
            self._queue.append(key)
            if self._workers < QUESTIONS:
                self._workers += 1
                task = asyncio.get_running_loop().create_task(self._work())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(self._awaited[key])

    async def post_password(self, port: KnownPort, password: str) -> int:
        """Pass a guest's password on, and return the API's status. Raises Unavailable."""
        document = {
            "host": self._host,
            "asker": {"port": port.id, "server": port.server_id},
            "password": password,
        }
        status, _ = await self._send(PASSWORDS, document)
        if status in (204, 409):
            self._kept.pop((port.id, port.server_id), None)
        return status

    def forget_old(self) -> None:
        """Drop what is too old to be used."""
        now = time.monotonic()
        for key in [key for key, (until, _) in self._kept.items() if until <= now]:
            del self._kept[key]

    async def _work(self) -> None:
        try:
            await asyncio.sleep(0)  # those who ask in the same moment come along
            while self._queue:
                await self._question([self._queue.popleft() for _ in range(min(AT_ONCE, len(self._queue)))])
        finally:
            self._workers -= 1

    async def _question(self, keys: list[Key]) -> None:
        document = {"host": self._host, "askers": [{"port": port, "server": server} for port, server in keys]}
        futures = [self._awaited[key] for key in keys]
        try:
            _, answer = await self._send(DOCUMENTS, document)
            bundles: list[Bundle | None] = answer["answers"]
            for key, future, bundle in zip(keys, futures, bundles, strict=True):
                if bundle is not None and (devices := self._devices(key[1])):
                    bundle["meta_data"]["devices"] = devices
                self._keep(key, bundle)
                future.set_result(bundle)
        except Exception as error:
            for future in futures:
                if not future.done():
                    future.set_exception(error if isinstance(error, Unavailable) else Unavailable())
                    future.exception()  # who asked may be gone: nobody need take it
        finally:
            for key in keys:
                del self._awaited[key]

    def _keep(self, key: Key, bundle: Bundle | None) -> None:
        seconds = self._seconds if bundle is not None else min(UNKNOWN_SECONDS, self._seconds)
        self._kept[key] = (time.monotonic() + seconds, bundle)

    async def _send(self, path: str, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.questions += 1
        try:
            loop = asyncio.get_running_loop()
            status, answer = await loop.run_in_executor(self._threads, self._ask, path, document)
            if status not in MEANT[path]:
                raise OSError(f"the API answered {status}")
        except (OSError, ValueError) as error:
            self.failures += 1
            self.fails = True
            self._problems.met("API does not answer", error)
            raise Unavailable from error
        self.fails = False
        self._problems.over("API does not answer")
        return status, answer
