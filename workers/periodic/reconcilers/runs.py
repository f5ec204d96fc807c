"""Rows of runs with several subjects.

Sets:
  following = active rows of further subjects
  leading   = active runs
Rules:
  following, its leading run is not active -> ended, so that the subject is free
All rows of a run end in one transaction.
"""

from apps.workflow.selectors import runs as selectors
from apps.workflow.services import runs
from apps.workflow.services.findings import FindingReport

KIND = "run"
KINDS = (KIND,)


def reconcile(report: FindingReport) -> None:
    for run in selectors.orphans():
        if runs.end_orphan(run_id=run.id):
            reason = f"the {run.action} keeps {run.subject_type} {run.subject_id}, and its run {run.leader_id} is over"
            report.repaired(KIND, run.id, found=reason, done="ended")
