"""Writing findings of reconcilers: each difference has one open row, which is closed when the difference is gone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.utils import timezone

from apps.workflow.models import Finding
from apps.workflow.services import tallies
from apps.workflow.sql import findings as sql

log = structlog.get_logger("celerity.reconciler")
TALLY = "reconciler_findings"
BATCH = 1000


@dataclass(slots=True)
class FindingReport:
    """One pass of a reconciler. Each report is written at once."""

    host: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    def repaired(self, kind: str, subject: object, *, found: str, done: str) -> None:
        """Report a difference that was repaired."""
        self._report(kind, subject, found, done, resolved=True)

    def remains(self, kind: str, subject: object, *, found: str, done: str = "") -> None:
        """Report a difference that remains: no repair is possible, or the repair failed."""
        self._report(kind, subject, found, done, resolved=False)

    def _report(self, kind: str, subject: object, found: str, done: str, *, resolved: bool) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        values = {"kind": kind, "subject": str(subject)[:255], "host": self.host, "found": found, "done": done}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql.REPORT, {**values, "resolved": resolved})
            if cursor.fetchone():
                tallies.add(name=TALLY, counts={kind: 1})
        log.warning("finding", resolved=resolved, **values)


@contextmanager
def reporting(*, kinds: Sequence[str], host: str = "") -> Iterator[FindingReport]:
    """Run one pass over a host, or over the rows (no host), for differences of these kinds.

    When the block ends without an error, open findings of these kinds that were not reported again are closed.
    """
    began = _now()
    report = FindingReport(host)
    yield report
    gone = Finding.objects.filter(host=host, kind__in=list(kinds), resolved_at=None, last_seen_at__lt=began)
    gone.update(resolved_at=timezone.now())


def _now() -> datetime:
    """The database's clock: hosts' clocks differ."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def close_of_host(*, host: str) -> None:
    """Close the open findings of a removed host, which no agent checks any more."""
    rows = Finding.objects.filter(host=host, resolved_at=None)
    rows.update(resolved_at=timezone.now(), done="the host was removed")


def prune(*, days: int) -> int:
    """Delete findings that were resolved more than ``days`` ago, a batch at a time. Returns how many."""
    limit, removed = timezone.now() - timedelta(days=days), 0
    while True:
        batch = Finding.objects.filter(resolved_at__lt=limit).order_by("resolved_at").values("id")[:BATCH]
        gone, _ = Finding.objects.filter(id__in=list(batch.values_list("id", flat=True))).delete()
        removed += gone
        if gone < BATCH:
            return removed
