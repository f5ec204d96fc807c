"""Changes that hold only while a resource has a certain revision: ``If-Match: revision_number=N``."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from apps.networking import exceptions, locks
from apps.networking.models.base import Resource


@contextmanager
def expected(row: Resource, number: int | None) -> Iterator[None]:
    """Lock ``row`` for the block, provided it has this revision. None: any.

    Raises RevisionChanged (412).
    """
    if number is None:
        yield
        return
    with transaction.atomic():
        actual = locks.resource(row).values_list("revision_number", flat=True).first()
        if actual != number:
            raise exceptions.RevisionChanged(expected=number, actual=actual)
        yield
