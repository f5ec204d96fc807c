"""Rows that pipelines write about themselves."""

from apps.workflow.models.runs import Run
from apps.workflow.models.steps import Step

__all__ = ["Run", "Step"]
