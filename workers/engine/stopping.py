"""Stopping long steps: their runs' tokens are watched, and ``ctx.stop`` is set once a run was taken away."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import close_old_connections, connection

from apps.workflow.selectors import runs as run_selectors
from workers.engine.steps import StepContext

log = structlog.get_logger("celerity.engine")
CHECK_SECONDS = 1.0


class Watch:
    """The long steps that this process runs. One thread asks for all of them; without any there is no thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[uuid.UUID, StepContext] = {}
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()

    @contextmanager
    def watched(self, ctx: StepContext) -> Iterator[None]:
        """Watch the run for the block."""
        with self._lock:
            self._running[ctx.claim.run_id] = ctx
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="long steps", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._running.pop(ctx.claim.run_id, None)

    def stop_all(self) -> None:
        """The process ends: what it runs is sent again by the sweeper."""
        with self._lock:
            for ctx in self._running.values():
                ctx.stop.set()

    def _watch(self) -> None:
        while not self._wake.wait(CHECK_SECONDS):
            with self._lock:
                running = dict(self._running)
                if not running:
                    self._thread = None
            if not running:
                break
            try:
                close_old_connections()
                self._check(running)
            except Exception as error:  # the steps go on; the next look may reach the database
                log.warning("long steps not checked", error=f"{type(error).__name__}: {error}"[:300])
                connection.close()
        connection.close()

    def _check(self, running: dict[uuid.UUID, StepContext]) -> None:
        tokens = run_selectors.tokens(run_ids=list(running))
        for run_id, ctx in running.items():
            if tokens.get(run_id) != ctx.claim.token:
                log.info("long step is stopped", run=str(run_id))
                ctx.stop.set()


WATCH = Watch()
