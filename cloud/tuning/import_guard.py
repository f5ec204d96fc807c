"""Keeps libraries from loading optional dependencies that happen to be installed.

Replaces: nothing of upstream; an entry of None in sys.modules makes ``import`` raise, as documented for ``import``.
Gains: 13 MiB in each process: 3 without Rich under structlog, 10 without OpenTelemetry under redis-py.
Remove: import structlog (cloud/logs.py) and redis (cloud/settings.py) as usual, delete this module.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def absent(name: str) -> Iterator[None]:
    """Within the block ``import name`` fails as if it were not installed. A module that is already loaded stays."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
