"""Locks of the image service: PostgreSQL's advisory locks, which go with the connection that holds them."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


def _call(function: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])


@contextmanager
def upload(image_id: uuid.UUID) -> Iterator[bool]:
    """Hold the right to upload an image, for as long as the process lives; gives False when another holds it.

    An upload whose process was killed holds nothing: that is how the sweeper tells it from a slow one.
    """
    name = f"images.upload:{image_id}"
    held = _call("pg_try_advisory_lock", name)
    try:
        yield held
    finally:
        if held:
            connection.ensure_connection()
            _call("pg_advisory_unlock", name)


def blob(sha512: str) -> None:
    """Hold a content until the transaction ends: nobody adopts or removes it meanwhile."""
    assert connection.in_atomic_block
    _call("pg_advisory_xact_lock", f"images.blob:{sha512}")
