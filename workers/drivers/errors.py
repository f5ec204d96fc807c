"""The two families of failure that every driver raises: another host may do it, or no host can."""

from __future__ import annotations

from typing import ClassVar


class DriverError(Exception):
    """Something a driver could not do.

    `code` is a stable word for programs, `message` may be read by the user, `details` (a command's stderr, a
    library's words, paths) is for administrators only. Raise one of the two families, never this class itself.
    """

    default_code: ClassVar[str] = "driver_error"

    def __init__(self, message: str, *, details: str = "", code: str | None = None) -> None:
        """Keep the three texts; `code` defaults to the class's own."""
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.details = details

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling with all three texts (an exception's default keeps the message only)."""
        return _rebuild, (type(self), self.message, self.details, self.code)


class RetryableError(DriverError):
    """This host cannot do it; another may. The pipeline reverts and chooses another host."""

    default_code = "host_cannot"


class AbortError(DriverError):
    """No host can do it. The pipeline reverts and gives up."""

    default_code = "no_host_can"


class SpecInvalid(AbortError, ValueError):
    """A spec holds a value that no driver accepts: wrong on every host, and wrong before anything was touched."""

    default_code = "spec_invalid"


class Stopped(RetryableError):
    """The call was stopped by its caller, and left nothing behind."""

    default_code = "stopped"


def _rebuild(cls: type[DriverError], message: str, details: str, code: str) -> DriverError:
    return cls(message, details=details, code=code)
