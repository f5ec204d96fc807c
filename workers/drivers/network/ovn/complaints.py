"""What ovn-controller says in its log that it did not understand: a match or an action that it left out."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

RECENT = timedelta(hours=1)
_SIGN = "error parsing"
_TAIL_BYTES = 1 << 20
_LENGTH = 500


def recent(log: Path, now: datetime | None = None) -> tuple[str, ...]:
    """The distinct complaints of the last hour, in the order in which they came. A log that is absent has none."""
    since = (now or datetime.now(UTC)) - RECENT
    distinct: dict[str, None] = {}
    for line in _tail(log):
        if _SIGN in line and (moment := _time_of(line)) is not None and moment >= since:
            distinct[line[line.index(_SIGN) :][:_LENGTH]] = None
    return tuple(distinct)


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            return file.read(_TAIL_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return []


def _time_of(line: str) -> datetime | None:
    """The time of a line as OVN writes it: 2026-01-31T12:00:00Z|00042|lflow|WARN|…, perhaps with milliseconds."""
    try:
        return datetime.fromisoformat(line.split("|", 1)[0])
    except ValueError:
        return None
