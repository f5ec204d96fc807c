"""The network worker's process: reads lines, writes in batches, compares the whole now and then.

One message is a line of ids (apps/networking/rpcapi.py), no task: all that have arrived are taken at once, and while
they are written the next ones gather. Lines are not acknowledged; what is lost with this process, its successor's
start finds.
"""

import signal
import threading
from types import FrameType
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.db import close_old_connections, connection
from kombu.entity import Queue
from kombu.message import Message
from kombu.messaging import Consumer

from apps.networking.rpcapi import QUEUE
from workers.drivers.errors import DriverError
from workers.network import engines, reconciler
from workers.network.gateways import OVN_DECIDES
from workers.network.statuses import Statuses
from workers.network.writer import Writer

log = structlog.get_logger("celerity.network")
POLL_SECONDS = 0.2
RETRY_SECONDS = 0.5
PREFETCH = 500
WATCH_SECONDS = 1.0  # in clouds where OVN may be unable to tell which host is lost
WATCH_LARGE_SECONDS = 10.0


class NetworkWorker:
    """Serves until stopped."""

    def __init__(self) -> None:
        self._engine = engines.make()
        self._writer = Writer(self._engine)
        self._statuses = Statuses()
        self._stop = threading.Event()
        self._problems: dict[str, str] = {}
        self._comparing = threading.Thread(target=self._compare, name="network reconciler", daemon=True)
        self._watching = threading.Thread(target=self._watch_hosts, name="gateway hosts", daemon=True)

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Become the only writer, build or compare the description, then serve the queue."""
        while not self._stop.is_set() and not self._try("network engine not synchronised", self._sync):
            self._stop.wait(RETRY_SECONDS)
        end_watch = self._engine.watch(self._statuses.hear)
        self._comparing.start()
        self._watching.start()
        log.info("network worker started")
        while not self._stop.is_set():
            if not self._try("lines: broker lost", self._consume):
                self._stop.wait(RETRY_SECONDS)
        end_watch()
        for thread in (self._comparing, self._watching):
            thread.join(timeout=5)
        self._engine.close()

    def _sync(self) -> None:
        self._engine.claim()
        reconciler.sync(self._engine)

    def _consume(self) -> None:
        app: Any = current_app._get_current_object()
        with app.connection_for_read() as broker:
            broker.ensure_connection(max_retries=1)
            queue: Any = Queue(QUEUE, exchange="", routing_key=QUEUE)  # type: ignore[no-untyped-call]
            consumer: Any = Consumer(  # type: ignore[no-untyped-call]
                broker.channel(), queues=[queue], on_message=self._take, accept=["json"], no_ack=True
            )
            consumer.qos(prefetch_count=PREFETCH)
            with consumer:
                while not self._stop.is_set():
                    self._drain(broker)
                    written = self._try("changes not written", self._flush)
                    if not written:
                        self._stop.wait(RETRY_SECONDS)

    def _drain(self, broker: Any) -> None:
        """Wait for a line, then take all that have arrived."""
        timeout = POLL_SECONDS
        for _ in range(PREFETCH):
            try:
                broker.drain_events(timeout=timeout)
            except TimeoutError:
                return
            timeout = 0.001

    def _take(self, message: Message) -> None:
        line = message.decode()  # type: ignore[no-untyped-call]
        if isinstance(line, dict):
            self._writer.add(line)

    def _flush(self) -> None:
        self._writer.flush()
        self._statuses.flush()

    def _compare(self) -> None:
        while not self._stop.wait(settings.RECONCILE_SECONDS):
            self._try("network engine not compared", lambda: reconciler.reconcile(self._writer, self._stop))
        connection.close()

    def _watch_hosts(self) -> None:
        """Move gateways off hosts that are lost, and back."""
        written: tuple[str, ...] = ()

        def refresh() -> None:
            nonlocal written
            if (names := self._writer.gateways.refresh()) != written:
                reconciler.move_gateways(self._writer)
                written = names

        while not self._stop.wait(WATCH_SECONDS if len(written) <= OVN_DECIDES else WATCH_LARGE_SECONDS):
            self._try("gateway hosts not looked up", refresh)
        connection.close()

    def _try(self, problem: str, work: Any) -> bool:
        """Do a piece of work; say whether it succeeded. The database, the broker and the engine may be away."""
        try:
            close_old_connections()
            work()
        except Exception as error:
            details = error.details if isinstance(error, DriverError) else ""
            text = f"{type(error).__name__}: {error} {details}"[:300]
            if self._problems.get(problem) != text:  # a problem that lasts is logged once
                log.warning(problem, error=text)
            self._problems[problem] = text
            connection.close()
            return False
        self._problems.pop(problem, None)
        return True


def run() -> None:
    """Serve until TERM or INT."""
    worker = NetworkWorker()

    def leave(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    worker.run()
