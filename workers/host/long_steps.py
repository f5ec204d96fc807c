"""Long steps of an agent's hosts: separate queues and a separate pool in the agent's worker. No boot waits behind them.

A Celery worker has one pool, and counts all messages that it holds against that pool's size. So long steps get a
separate consumer on the worker's connection, which holds as many messages as its pool has threads. The worker's
loop serves it, and connects it again with the others after the broker was away.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import WeakSet

import structlog
from celery import Celery
from celery.bootsteps import ConsumerStep
from celery.concurrency.thread import TaskPool
from celery.exceptions import TaskRevokedError
from celery.worker.consumer import Events, Tasks
from celery.worker.request import Request
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from kombu.message import Message
from kombu.messaging import Consumer

from apps.workflow.states import host_queue
from workers import config
from workers.engine.stopping import WATCH

log = structlog.get_logger("celerity.agent")
IDLE_SECONDS = 10.0


class Sessions:
    """The database sessions of threads that idle for long: each is closed after a while without work.

    Not at once: opening one takes PostgreSQL as much as all statements of a resize.
    """

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._guard = threading.Lock()
        self._idle: dict[Any, float] = {}  # since when
        self._is_watched = False

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keep this thread's session for the block, and for a while after it."""
        session = connections[DEFAULT_DB_ALIAS]
        with self._guard:
            self._idle.pop(session, None)
        try:
            yield
        finally:
            with self._guard:
                self._idle[session] = time.monotonic()
                self._watch()

    def _watch(self) -> None:
        if self._idle and not self._is_watched:
            self._is_watched = True
            timer = threading.Timer(self._idle_seconds, self._close_idle)
            timer.daemon = True
            timer.start()

    def _close_idle(self) -> None:
        with self._guard:
            self._is_watched = False
            for session in [key for key, since in self._idle.items() if time.monotonic() - since >= self._idle_seconds]:
                del self._idle[session]
                session.inc_thread_sharing()
                try:
                    session.close()
                finally:
                    session.dec_thread_sharing()
            self._watch()


class Pool(TaskPool):  # type: ignore[misc]
    """The threads of long steps, each started when it is first needed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sessions = Sessions()

    def on_apply(self, target: Callable[..., Any], *args: Any, **options: Any) -> Any:
        def run(*values: Any, **named: Any) -> Any:
            with self._sessions.used():
                return target(*values, **named)

        return super().on_apply(run, *args, **options)

    def on_stop(self) -> None:
        """Stop what runs, without waiting for it: the sweeper sends it again."""
        WATCH.stop_all()
        self.executor.shutdown(wait=False, cancel_futures=True)


class LongSteps(ConsumerStep):  # type: ignore[misc]
    """A part of the worker: it consumes ``host.<name>.long`` of each host, ``CELERITY_LONG_STEPS`` messages at once."""

    requires = (Events, Tasks)
    pool: Pool

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._requests: WeakSet[Request] = WeakSet()

    def start(self, worker: Any) -> None:
        """Begin to consume; again after each loss of the broker."""
        self._worker, self._channel = worker, None
        for request in tuple(self._requests):  # their ends are reported over the new connection
            request.eventer = worker.event_dispatcher
        super().start(worker)

    def get_consumers(self, channel: Any) -> list[Any]:
        self._channel = channel
        queues = [self._worker.app.amqp.queues.new_missing(host_queue(host, long=True)) for host in config.served()]
        consumer: Any = Consumer(channel, queues=queues, on_message=self._take, accept=["json"])  # type: ignore[no-untyped-call]
        consumer.qos(prefetch_count=self.pool.limit)
        return [consumer]

    def _take(self, message: Message) -> None:
        worker = self._worker
        end = partial(worker.call_soon_ack, self._acknowledge, message)
        try:
            request = Request(
                message,
                app=worker.app,
                hostname=worker.hostname,
                eventer=worker.event_dispatcher,
                on_ack=end,
                on_reject=end,
            )
        except Exception as error:  # not a message of this cloud
            worker.on_decode_error(message, error)
            return
        self._requests.add(request)
        request.send_event(
            "task-received",
            name=request.name,
            args=request.argsrepr,
            kwargs=request.kwargsrepr,
            root_id=request.root_id,
            parent_id=request.parent_id,
            retries=0,
            eta=None,
            expires=None,
        )
        try:
            request.execute_using_pool(self.pool)
        except TaskRevokedError:
            log.info("revoked message dropped", task=request.name)

    def _acknowledge(self, message: Message, *_: Any) -> None:
        """Called in the worker's loop. A message of a connection that was lost comes again, and is dropped then."""
        if message.channel is not self._channel:
            log.info("message came over a connection that was lost")
            return
        try:
            message.ack()  # type: ignore[no-untyped-call]
        except Exception as error:  # the transport's own types; the loop finds out by itself
            log.info("message not acknowledged", error=f"{type(error).__name__}: {error}"[:300])


def serve(app: Celery) -> Pool:
    """Let this process's worker serve the long steps of its hosts. Returns their pool, which the caller stops."""
    LongSteps.pool = Pool(limit=settings.LONG_STEPS)
    app.steps["consumer"].add(LongSteps)
    return LongSteps.pool
