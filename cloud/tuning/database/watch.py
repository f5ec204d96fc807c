"""Ends sessions whose server no longer answers: statement_timeout is the server's own limit, and hangs with it.

A stopped PostgreSQL (a suspended machine, a disk that hangs) keeps its sockets open, so neither the limit of statements
nor keepalives end the wait of a thread. One thread of each process looks at the sessions every second. The kernel
reports (TCP_INFO) when a socket last sent and received data: a session that runs a statement and has done neither for
longer than the limit is shut down. The waiting thread reads the end of its session and refuses with 503.

Sessions over a unix socket are not watched: the kernel keeps no such times for them.

Replaces: nothing of upstream; libpq offers no limit for an answer that never comes.
Gains: a thread waits at most statement_timeout and five seconds for a hung server, not for ever.
Remove: drop the call in base.py, delete this module.
"""

import os
import socket
import struct
import threading
import weakref
from typing import Any

import structlog
from psycopg2.extensions import TRANSACTION_STATUS_ACTIVE

log = structlog.get_logger("celerity.database")
LOOK_SECONDS = 1.0
MARGIN_SECONDS = 5.0  # the server's own limit comes first
_TCP_INFO_BYTES = 104
# struct tcp_info (linux/tcp.h): eight bytes, then 32-bit words; milliseconds since data were last sent and received.
_LAST_DATA_SENT, _LAST_DATA_RECEIVED = 44, 52

_sessions: "weakref.WeakSet[Any]" = weakref.WeakSet()
_lock = threading.Lock()
_is_running = False


def _begin_anew() -> None:
    """Forget the sessions and the thread of the process that this one was forked from."""
    global _sessions, _lock, _is_running
    _sessions, _lock, _is_running = weakref.WeakSet(), threading.Lock(), False


os.register_at_fork(after_in_child=_begin_anew)


def watch(session: Any, *, statement_seconds: float) -> None:
    """Look after a session from now on. ``statement_seconds`` is the server's limit of a statement."""
    global _is_running
    with _lock:
        _sessions.add(session)
        if not _is_running:
            _is_running = True
            limit = statement_seconds + MARGIN_SECONDS
            threading.Thread(target=_run, args=(limit,), name="database-watch", daemon=True).start()


def _run(limit_seconds: float) -> None:
    pause = threading.Event()
    while not pause.wait(LOOK_SECONDS):
        with _lock:
            sessions = list(_sessions)
        for session in sessions:
            end_if_silent(session, limit_seconds)


def end_if_silent(session: Any, limit_seconds: float) -> bool:
    """Shut a session's socket down if its statement has had no answer for ``limit_seconds``; say whether it did."""
    try:
        if session.closed or session.info.transaction_status != TRANSACTION_STATUS_ACTIVE:
            return False
        with socket.socket(fileno=os.dup(session.fileno())) as peer:
            silent = _silent_seconds(peer)
            if silent is None or silent < limit_seconds:
                return False
            log.warning("database session given up", silent_seconds=round(silent, 1))
            peer.shutdown(socket.SHUT_RDWR)
            return True
    except Exception as error:  # the session was closed meanwhile
        log.debug("database session not looked at", error=type(error).__name__)
        return False


def _silent_seconds(peer: socket.socket) -> float | None:
    """Return how long nothing was sent or received; None if the kernel does not report it."""
    if peer.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    info = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    sent, received = (struct.unpack_from("=I", info, offset)[0] for offset in (_LAST_DATA_SENT, _LAST_DATA_RECEIVED))
    return float(min(sent, received)) / 1000
