"""The subjects of pipelines."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of row. ``name`` is its type in runs, its id's key in logs, and the first part of its pipelines' names.

    Its lock is that of its id (apps/workflow/services/claims.py, lock_key): ids are unique over all kinds.
    """

    name: str


SERVER = Subject("server")
