"""Identifiers as clients write them."""

import uuid
from typing import Any


def parse_uuid(text: Any) -> uuid.UUID | None:
    """Return the UUID in ``text``, or None when it is none."""
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None
