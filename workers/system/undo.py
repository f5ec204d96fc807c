"""A stack of undo steps for work in several moves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any

_log = logging.getLogger(__name__)


class Undo:
    """Push how to take back each move after it is made; `commit` when all are.

    Left by an exception (KeyboardInterrupt and the like too), or without `commit`, the stack runs in reverse. A failed
    undo is logged and does not stop the others; the first exception is raised.
    """

    def __init__(self) -> None:
        """Begin with nothing to take back."""
        self._moves: list[tuple[Callable[..., object], tuple[Any, ...]]] = []

    def __enter__(self) -> Undo:
        """Begin."""
        return self

    def push(self, take_back: Callable[..., object], *arguments: Any) -> None:
        """Remember to call `take_back(*arguments)`; it must be idempotent."""
        self._moves.append((take_back, arguments))

    def commit(self) -> None:
        """All is done: take nothing back."""
        self._moves.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take back, last move first."""
        while self._moves:
            take_back, arguments = self._moves.pop()
            try:
                take_back(*arguments)
            except Exception:
                _log.exception("could not take back %s", getattr(take_back, "__qualname__", take_back))
