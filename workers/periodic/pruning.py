"""Deletes expired rows in batches: ended runs, resolved findings, audit events, sessions, messages, ended migrations,
groups of volumes that are gone.

Rows of deleted servers stay: usage and audits ask for them.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings

from apps.common import audit
from apps.compute.services import migrations
from apps.identity.services import sessions
from apps.volumes.services import groups, messages
from apps.workflow import catalogue
from apps.workflow.selectors import runs as selectors
from apps.workflow.services import counters, findings, runs

if TYPE_CHECKING:
    from apps.workflow.models import Run

BATCH = 1000
KEPT = 10  # the newest runs of existing subjects are kept, however old


def prune() -> dict[str, int]:
    """Delete rows that exceed the age in the settings. Returns how many rows of each kind went."""
    counters.fold()  # only runs that have been counted
    return {
        "runs": old_runs(),
        "findings": findings.prune(days=settings.FINDING_DAYS),
        "audit_events": audit.prune(days=settings.AUDIT_DAYS),
        "sessions": sessions.prune(),
        "messages": messages.prune(),
        "volume_groups": groups.prune(),
        "migrations": migrations.prune(days=settings.RUN_DAYS),
    }


def old_runs() -> int:
    """Delete ended runs with their steps: all runs of deleted subjects, and all but the newest of existing ones."""
    removed, after = 0, None
    while True:
        page = list(selectors.ended(days=settings.RUN_DAYS, after=after)[:BATCH])
        if not page:
            return removed
        kept = selectors.newest(subjects=_existing(page), count=KEPT)
        removed += runs.forget(run_ids=[run.id for run in page if run.id not in kept])
        after = (page[-1].created_at, page[-1].id)


def _existing(page: "Iterable[Run]") -> list[tuple[str, uuid.UUID]]:
    """Return the runs' subjects that exist, as (type, id); all of an unknown type. 1 query for each type."""
    by_type: dict[str, set[uuid.UUID]] = defaultdict(set)
    for run in page:
        by_type[run.subject_type].add(run.subject_id)
    subjects: list[tuple[str, uuid.UUID]] = []
    for name, keys in by_type.items():
        subject = catalogue.subject(name)
        subjects += [(name, key) for key in (keys if subject is None else subject.existing(keys))]
    return subjects
