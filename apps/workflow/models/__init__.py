"""Rows that pipelines write about themselves, and reconcilers about what they found."""

from apps.workflow.models.findings import Finding
from apps.workflow.models.runs import Run
from apps.workflow.models.steps import Step
from apps.workflow.models.tallies import Tally

__all__ = ["Finding", "Run", "Step", "Tally"]
