"""Deletes expired rows in batches: ended runs, resolved findings, audit events, sessions.

Rows of deleted servers stay: usage and audits ask for them.
"""

from django.conf import settings

from apps.common import audit
from apps.compute.selectors import servers
from apps.identity.services import sessions
from apps.workflow.selectors import runs as selectors
from apps.workflow.services import counters, findings, runs

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
    }


def old_runs() -> int:
    """Delete ended runs with their steps: all runs of deleted subjects, and all but the newest of existing ones."""
    removed, after = 0, None
    while True:
        page = list(selectors.ended(days=settings.RUN_DAYS, after=after)[:BATCH])
        if not page:
            return removed
        subjects = {run.subject_id for run in page}
        gone = {run.subject_id for run in page if run.subject_type == "server"} - servers.existing(
            server_ids=list(subjects)
        )
        kept = selectors.newest(subject_ids=subjects - gone, count=KEPT)
        removed += runs.forget(run_ids=[run.id for run in page if run.id not in kept])
        after = (page[-1].created_at, page[-1].id)
