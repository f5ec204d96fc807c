"""Runs with their steps, and findings of reconcilers."""

from apps.workflow.admin import findings, runs

__all__ = ["findings", "runs"]
