"""Writing what reconcilers find: each difference has one open row, which is closed when it is gone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.utils import timezone

from apps.workflow.models import Finding
from apps.workflow.services import tallies

log = structlog.get_logger("celerity.reconciler")
TALLY = "reconciler_findings"
BATCH = 1000

_REPORT = """
WITH seen AS (
    UPDATE workflow_finding
       SET last_seen_at = clock_timestamp(), times = times + 1, found = %(found)s, done = %(done)s,
           resolved_at = CASE WHEN %(resolved)s THEN clock_timestamp() END
     WHERE kind = %(kind)s AND subject = %(subject)s AND host = %(host)s AND resolved_at IS NULL RETURNING id)
INSERT INTO workflow_finding (kind, subject, host, found, done, first_seen_at, last_seen_at, times, resolved_at)
SELECT %(kind)s, %(subject)s, %(host)s, %(found)s, %(done)s, clock_timestamp(), clock_timestamp(), 1,
       CASE WHEN %(resolved)s THEN clock_timestamp() END
 WHERE NOT EXISTS (SELECT 1 FROM seen)
    ON CONFLICT (kind, subject, host) WHERE resolved_at IS NULL DO NOTHING
RETURNING id
"""


@dataclass(slots=True)
class FindingReport:
    """One look of a reconciler. What is reported is written at once."""

    host: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    def repaired(self, kind: str, subject: object, *, found: str, done: str) -> None:
        """Report a difference that is gone now."""
        self._report(kind, subject, found, done, resolved=True)

    def remains(self, kind: str, subject: object, *, found: str, done: str = "") -> None:
        """Report a difference that is still there: nothing can be done about it, or what was tried failed."""
        self._report(kind, subject, found, done, resolved=False)

    def _report(self, kind: str, subject: object, found: str, done: str, *, resolved: bool) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        values = {"kind": kind, "subject": str(subject)[:255], "host": self.host, "found": found, "done": done}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_REPORT, {**values, "resolved": resolved})
            if cursor.fetchone():
                tallies.add(name=TALLY, counts={kind: 1})
        log.warning("finding", resolved=resolved, **values)


@contextmanager
def reporting(*, kinds: Sequence[str], host: str = "") -> Iterator[FindingReport]:
    """Give a look at one host, or at the rows (no host), for differences of these kinds.

    When the block ends well, what was open of these kinds and was not reported again is closed.
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
    """Close what is open of a host that was removed: its agent looks no more, and nobody else would."""
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
