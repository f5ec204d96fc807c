"""Runs with their steps, and what reconcilers found."""

from apps.workflow.admin import findings, runs

__all__ = ["findings", "runs"]
