"""Keeps serializers of hot requests: making one copies its fields, which takes longer than checking a body.

Replaces:
    rest_framework.serializers.BaseSerializer.__init__
    rest_framework.serializers.BaseSerializer.is_valid
Gains: a tenth of a POST of a server.
Remove: make the serializer in each view, delete this module and ``reusable``.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework.serializers import Serializer

_kept = threading.local()


@contextmanager
def parser(cls: type[Serializer[Any]], *, data: Any, context: dict[str, Any]) -> Iterator[Serializer[Any]]:
    """Give the block a serializer for ``data``: this thread's own, where the class says that it is ``reusable``.

    Reusable are those whose fields are the same for every request. Nothing of a request stays in it.
    """
    if not getattr(cls, "reusable", False):
        yield cls(data=data, context=context)
        return
    shelf: dict[type[Serializer[Any]], Serializer[Any]] = _kept.__dict__.setdefault("shelf", {})
    serializer = shelf.pop(cls, None)  # taken away while it is in use
    if serializer is None:
        serializer = cls(data=data, context=context)
    serializer.initial_data, serializer._context = data, context
    try:
        yield serializer
    finally:
        serializer.initial_data, serializer._context = None, {}
        for name in ("_validated_data", "_errors", "_data"):
            serializer.__dict__.pop(name, None)
        shelf[cls] = serializer
