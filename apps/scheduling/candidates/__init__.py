"""Candidates: which hosts are read for a request, of ten thousand. docs/decisions/candidates.md."""

from apps.scheduling.candidates.strategy import Found, everything, leaning, widening

__all__ = ["Found", "everything", "leaning", "widening"]
