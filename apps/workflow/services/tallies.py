"""Counting rare events: one statement, in the caller's transaction if there is one."""

from collections.abc import Mapping

from django.db import connection

from apps.workflow.sql import tallies as sql


def add(*, name: str, counts: Mapping[str, int]) -> None:
    """Add ``counts`` (label -> how often) to the tallies called ``name``."""
    if counts:
        with connection.cursor() as cursor:
            cursor.execute(sql.ADD, [name, list(counts), list(counts.values())])
