"""The one gate to an OVSDB database: transactions over a connection that is made again when it broke."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from workers.drivers.network.errors import EngineRefused, EngineUnavailable
from workers.drivers.network.ovn import wire
from workers.drivers.network.ovn.stream import Stream

Operation = Mapping[str, Any]
Query = tuple[str, list[Any], Sequence[str]]  # a table, conditions, columns
# Another writer was first: a `wait` that did not hold, a UUID or a name that exists by now.
_CONFLICTS = frozenset({"timed out", "duplicate uuid", "constraint violation"})


class Conflict(Exception):
    """The database changed between the reading and the writing: read again."""


def by_uuid(uuid: str) -> list[Any]:
    """The condition that chooses one row."""
    return [["_uuid", "==", ["uuid", uuid]]]


class Ovsdb:
    """One database of one server. Threads share it, one transaction at a time. Nothing is opened before the first."""

    def __init__(
        self, remote: str, database: str, *, tls: ssl.SSLContext | None = None, timeout_s: float = 5.0
    ) -> None:
        """`remote` is `unix:<path>` or `ssl:<host>:<port>`; `timeout_s` bounds each call, connecting included."""
        self.remote, self.database, self.tls = remote, database, tls
        self._timeout_s = timeout_s
        self._stream: Stream | None = None
        self._claim: tuple[str, str] | None = None  # how the server's lock is taken ("lock" or "steal"), and its name
        self._owned = False
        self._lock = threading.Lock()

    def claim(self, name: str, *, steal: bool = False) -> None:
        """Take a lock of the server's (RFC 7047, section 4.1.8), without which no transaction writes from now on.

        It is held as long as the connection, and taken again with a new one. `steal` takes it from its owner.
        Raises EngineUnavailable while another client holds it.
        """
        self._claim = ("steal" if steal else "lock", name)
        self._call("echo", [], None, owning=True)

    def transact(self, operations: Sequence[Operation], *, timeout_s: float | None = None) -> list[dict[str, Any]]:
        """Run operations as one transaction and return their results.

        Raises EngineUnavailable when the server is away or does not answer in time (the transaction may have been
        done: repeat what is idempotent), or another client has the lock that was claimed; Conflict; EngineRefused.
        """
        if self._claim is None:
            return self._transact(operations, timeout_s)
        held: Operation = {"op": "assert", "lock": self._claim[1]}
        return self._transact([held, *operations], timeout_s, owning=True)[1:]

    def _transact(
        self, operations: Sequence[Operation], timeout_s: float | None, *, owning: bool = False
    ) -> list[dict[str, Any]]:
        result = self._call("transact", [self.database, *operations], timeout_s, owning=owning)
        for answer in result:
            if answer and "error" in answer:
                if answer["error"] == "not owner":
                    self.close()
                    raise _another()
                _raise(answer)
        return result  # type: ignore[no-any-return]

    def ping(self) -> None:
        """Raise EngineUnavailable unless the server answers."""
        self._call("echo", [], None)

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _call(self, method: str, parameters: list[Any], timeout_s: float | None, *, owning: bool = False) -> Any:
        limit = timeout_s or self._timeout_s
        deadline = time.monotonic() + limit
        with self._lock:
            if self._stream is not None and not self._stream.is_alive():
                self._drop()
            if self._stream is None:
                self._stream = Stream(self.remote, self.tls, limit)
            try:
                if owning and not self._owned:
                    self._own(self._stream, deadline - time.monotonic())
                return self._stream.call(method, parameters, deadline - time.monotonic())
            except BaseException:
                self._drop()  # a late answer must not meet the next request
                raise

    def _own(self, stream: Stream, timeout_s: float) -> None:
        assert self._claim is not None
        how, name = self._claim
        if not stream.call(how, [name], timeout_s)["locked"]:
            raise _another()
        self._owned = True

    def _drop(self) -> None:
        self._owned = False
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def select(self, queries: Sequence[Query], *, timeout_s: float | None = None) -> list[list[dict[str, wire.Value]]]:
        """Read rows: one list for each query. All are of one moment."""
        operations = [
            {"op": "select", "table": table, "where": where, "columns": ["_uuid", *columns]}
            for table, where, columns in queries
        ]
        answers = self._transact(operations, timeout_s) if operations else []
        return [
            [{column: wire.decode(value) for column, value in row.items()} for row in answer["rows"]]
            for answer in answers
        ]


def _another() -> EngineUnavailable:
    return EngineUnavailable("Another process writes the cloud's networks.", details="the database's lock is taken")


def _raise(answer: Mapping[str, Any]) -> None:
    details = f"{answer['error']}: {answer.get('details', '')}"
    if answer["error"] in _CONFLICTS:
        raise Conflict(details)
    raise EngineRefused("The cloud's network engine refused a change.", details=details)
