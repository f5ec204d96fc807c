"""Long steps of an agent's hosts: queues and a pool apart, in the agent's own process. No boot waits behind them.

Celery has one pool for each worker, and counts what it holds for the whole process. So this is a separate consumer: a
thread that takes a message only while a long step may begin, and hands it to Celery's tracing, which runs the task and
sends the next link.
"""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from celery import Celery
from celery.app import trace
from django.db import connection
from kombu.entity import Queue
from kombu.message import Message
from kombu.messaging import Consumer

from apps.workflow.states import host_queue
from workers.engine.stopping import WATCH

log = structlog.get_logger("celerity.agent")
POLL_SECONDS = 1.0
RETRY_SECONDS = 1.0


class LongSteps:
    """Serves ``host.<name>.long`` of each host, ``threads`` steps at once."""

    def __init__(self, app: Celery, hosts: Sequence[str], *, threads: int) -> None:
        self._app, self._threads = app, threads
        self._queues: list[Queue] = [app.amqp.queues.new_missing(host_queue(host, long=True)) for host in hosts]
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="long")
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="long steps' consumer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more, and stop what runs: it is sent again."""
        self._stop.set()
        WATCH.stop_all()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._thread.join(timeout=5)

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                self._consume()
            except Exception as error:  # the broker is away: its own error types, by transport
                log.warning("long steps: broker lost", error=f"{type(error).__name__}: {error}"[:300])
                self._stop.wait(RETRY_SECONDS)

    def _consume(self) -> None:
        with self._app.connection_for_read() as broker:
            broker.ensure_connection(max_retries=1)
            channel = broker.channel()
            consumer: Any = Consumer(  # type: ignore[no-untyped-call]
                channel, queues=self._queues, on_message=self._take, accept=["json"]
            )
            consumer.qos(prefetch_count=self._threads)
            with consumer:
                while not self._stop.is_set():
                    self._acknowledge()
                    try:
                        broker.drain_events(timeout=POLL_SECONDS)
                    except TimeoutError:
                        continue

    def _take(self, message: Message) -> None:
        self._pool.submit(self._run, message)

    def _acknowledge(self) -> None:
        """Only this thread may use the channel. A message of a connection that was lost comes again, and is dropped."""
        while True:
            try:
                message = self._done.get_nowait()
            except queue.Empty:
                return
            try:
                message.ack()
            except Exception as error:
                log.info("message not acknowledged", error=type(error).__name__)

    def _run(self, message: Message) -> None:
        headers: dict[str, Any] = dict(message.headers)
        try:
            trace.trace_task_ret(
                headers["task"],
                headers["id"],
                headers,
                message.body,
                message.content_type,
                message.content_encoding,
                app=self._app,
            )
        except Exception:
            log.exception("long step's task failed", task=headers.get("task"))
        finally:
            connection.close()  # these threads idle for long: no session is kept for them
            self._done.put(message)
