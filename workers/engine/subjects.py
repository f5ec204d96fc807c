"""The subjects of pipelines."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of row. ``name`` is its type in runs, its id's key in logs, and the first part of its pipelines' names.

    Its lock's key is made of the name and the id (apps/workflow/services/claims.py, lock_key).
    """

    name: str


SERVER = Subject("server")
