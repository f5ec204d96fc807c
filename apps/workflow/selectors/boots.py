"""Builds of late: how many ended a minute, how long they took, and why some failed."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from apps.workflow import catalogue
from apps.workflow.sql import boots as sql


@dataclass(frozen=True, slots=True)
class Minute:
    """Builds that ended within a minute; ``p95`` of those that succeeded, in seconds, from acceptance to the end."""

    at: datetime
    succeeded: int
    failed: int
    p95: float | None


def _window(minutes: int) -> dict[str, Any]:
    return {
        "minutes": minutes,
        "longest": catalogue.longest_boot_seconds() * 2,
        "creating": catalogue.boots(),
    }


def by_minute(*, minutes: int = 60) -> list[Minute]:
    """Return the last ``minutes`` minutes, oldest first. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(sql.MINUTES, _window(minutes))
        return [Minute(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Failures:
    """Runs that failed for one cause: how many, and the newest of them.

    Of a run that ended with no host left, the cause is that of its first failed attempt: ``step`` and its message.
    """

    cause: str
    step: str
    count: int
    newest_at: datetime
    run_id: uuid.UUID
    subject_type: str
    subject_id: uuid.UUID
    action: str
    message: str

    @property
    def title(self) -> str:
        return f"{self.step} failed" if self.step else self.cause or "unknown"


def grouped_failures(*, hours: int = 24, most: int = 20000) -> list[Failures]:
    """Return all runs that failed within ``hours``, grouped by cause, the most frequent first. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(sql.GROUPED, {"hours": hours, "most": most, "choosing": catalogue.choosing()})
        return [Failures(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Late:
    """Builds that succeeded within the last ``minutes``: how many a minute, and their p95 in seconds; None of none."""

    minutes: int
    rate: float
    p95: float | None


def of_late(*, minutes: int = 5) -> Late:
    """Return the rate and the p95 of one and the same window. 1 query."""
    with connection.cursor() as cursor:
        cursor.execute(sql.LATE, _window(minutes))
        count, p95 = cursor.fetchone()
    return Late(minutes, round(count / minutes, 1), p95)
