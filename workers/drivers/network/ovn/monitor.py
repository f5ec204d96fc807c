"""Changes of one table, as they happen: a thread that holds a monitor and makes it again after a reconnect."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from workers.drivers.network.errors import EngineUnavailable
from workers.drivers.network.ovn import wire
from workers.drivers.network.ovn.ovsdb import Ovsdb
from workers.drivers.network.ovn.stream import Stream

log = structlog.get_logger("celerity.network")
_CONNECT_TIMEOUT_S = 5.0
_RETRY_S = 0.5
_IDLE_S = 15.0  # as long without a message, and the server is asked whether it lives

OnRow = Callable[[Mapping[str, wire.Value] | None, Mapping[str, wire.Value]], None]


class Monitor:
    """Reports every row of a table now, after each reconnect, and at each change, until `stop`.

    `on_row(new, old)`: the row's columns as they are, None when it is gone; `old` holds the columns that changed.
    """

    def __init__(
        self,
        database: Ovsdb,
        table: str,
        columns: Sequence[str],
        on_row: OnRow,
        on_connect: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin, with a connection apart. `on_connect` is called before all rows are reported."""
        self._on_connect = on_connect
        self._database, self._table, self._columns, self._on_row = database, table, list(columns), on_row
        self._stop = threading.Event()
        self._stream: Stream | None = None
        self._thread = threading.Thread(target=self._run, name=f"monitor of {table}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; nothing is reported afterwards."""
        self._stop.set()
        if (stream := self._stream) is not None:
            stream.abort()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except EngineUnavailable as error:
                if not self._stop.is_set():
                    log.warning("network engine lost", table=self._table, error=error.details[:300])
            except Exception:
                log.exception("monitor failed", table=self._table)
            self._stop.wait(_RETRY_S)

    def _follow(self) -> None:
        stream = Stream(self._database.remote, self._database.tls, _CONNECT_TIMEOUT_S)
        self._stream = stream
        try:
            wanted = {self._table: [{"columns": self._columns}]}
            initial = stream.call("monitor", [self._database.database, None, wanted], _CONNECT_TIMEOUT_S)
            self._on_connect()
            self._report(initial)
            probed = False
            while not self._stop.is_set():
                try:
                    message = stream.receive(_IDLE_S)
                except EngineUnavailable as error:
                    if probed or not isinstance(error.__cause__, TimeoutError):
                        raise
                    stream.send("echo", [], _CONNECT_TIMEOUT_S)
                    probed = True
                    continue
                probed = False
                if message.get("method") == "update":
                    self._report(message["params"][1])
                stream.answer_probe(message)
        finally:
            self._stream = None
            stream.close()

    def _report(self, updates: Mapping[str, Any]) -> None:
        for change in updates.get(self._table, {}).values():
            new, old = change.get("new"), change.get("old") or {}
            if not self._stop.is_set():
                self._on_row(_decoded(new) if new is not None else None, _decoded(old))


def _decoded(row: Mapping[str, Any]) -> dict[str, wire.Value]:
    return {column: wire.decode(value) for column, value in row.items()}
