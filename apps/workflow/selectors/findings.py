"""Reading findings of reconcilers."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet

from apps.workflow.models import Finding, Tally

LIMIT = 10


def everything() -> QuerySet[Finding]:
    """Return findings, newest first: open ones and resolved ones."""
    return Finding.objects.order_by("-last_seen_at", "-id")


def still_open() -> QuerySet[Finding]:
    """Return open findings, newest first."""
    return everything().filter(resolved_at=None)


def open_of(*, subject: str) -> list[Finding]:
    """Return the open findings of a subject, newest first. 1 query."""
    return list(still_open().filter(subject=subject))


def told_of(*, subjects: Sequence[str], since: datetime | None) -> list[Finding]:
    """Return findings of subjects, newest first: the open ones, then what was repaired since a moment. 1 query."""
    wanted = Q(resolved_at=None)
    if since is not None:
        wanted |= Q(resolved_at__gte=since) & ~Q(done="") & ~Q(done__startswith="failed")
    rows = everything().filter(wanted, subject__in=subjects)
    return list(rows.order_by(F("resolved_at").desc(nulls_first=True), "-last_seen_at", "-id")[:LIMIT])


def open_by_kind() -> dict[str, int]:
    """Return how many findings of each kind are open. 1 query."""
    rows = Finding.objects.filter(resolved_at=None).order_by().values_list("kind").annotate(count=Count("id"))
    return dict(rows)


def tally(*, name: str) -> dict[str, int]:
    """Return the tallies of a name: label -> how often. 1 query."""
    return dict(Tally.objects.filter(name=name).values_list("label", "value"))
