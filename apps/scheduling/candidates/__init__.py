"""Candidates: which hosts are read for a request, of ten thousand. docs/decisions/candidates.md."""

from apps.scheduling.candidates.strategy import FittingHosts, everything, leaning, widening

__all__ = ["FittingHosts", "everything", "leaning", "widening"]
