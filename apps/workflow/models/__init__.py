"""Rows of runs and steps, and of reconcilers' findings."""

from apps.workflow.models.findings import Finding
from apps.workflow.models.runs import Run
from apps.workflow.models.steps import Step
from apps.workflow.models.tallies import Tally

__all__ = ["Finding", "Run", "Step", "Tally"]
