"""Counting what happens rarely: one statement, in the caller's transaction if there is one."""

from collections.abc import Mapping

from django.db import connection

_ADD = """
INSERT INTO workflow_tally (name, label, value)
SELECT %s, label, value FROM unnest(%s::text[], %s::bigint[]) AS t(label, value) ORDER BY label
    ON CONFLICT (name, label) DO UPDATE SET value = workflow_tally.value + excluded.value
"""


def add(*, name: str, counts: Mapping[str, int]) -> None:
    """Add ``counts`` (label -> how often) to the tallies called ``name``."""
    if counts:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [name, list(counts), list(counts.values())])
