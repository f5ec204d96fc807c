"""What a storage cluster refuses, in the words of a family of drivers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from workers.drivers.errors import AbortError, RetryableError, Stopped
from workers.system.ceph.calls import Halted, Refused, Unavailable

Errors = Mapping[str, tuple[type[RetryableError | AbortError], str]]


@contextmanager
def translated(errors: Errors) -> Iterator[None]:
    """Raise what the family's contract says. `errors`: by the kind of a refusal; "unavailable" is for all others."""
    try:
        yield
    except Refused as error:
        kind, text = errors.get(error.kind, errors["unavailable"])
        raise kind(text, details=error.details) from error
    except Unavailable as error:
        raise errors["unavailable"][0](error.message, details=error.details) from error
    except Halted as error:
        raise Stopped("The operation was stopped.") from error
