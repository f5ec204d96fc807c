"""Statements that lock."""

ALL_USAGE = "LOCK TABLE quotas_usage IN EXCLUSIVE MODE"
