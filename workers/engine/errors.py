"""The two families of failure, and the ways to stop quietly."""

from apps.common.exceptions import CloudError
from apps.workflow.services.leases import Failure
from workers.drivers.errors import AbortError, DriverError, RetryableError


class StepError(Exception):
    """``message`` is for the user, ``details`` for administrators."""

    retryable = False

    def __init__(self, message: str, *, cause: str = "", details: str = "", code: int = 500) -> None:
        super().__init__(message)
        self.failure = Failure(cause=cause or type(self).__name__, message=message, details=details, code=code)


class Retryable(StepError):
    """This host cannot; another may."""

    retryable = True


class Abort(StepError):
    """No host can."""


class LeaseLost(Exception):
    """The run is no longer this worker's: stop before the next side effect, write nothing."""


def failure_of(error: Exception) -> tuple[Failure, bool]:
    """Return the failure to record for an exception, and whether another attempt may help."""
    if isinstance(error, StepError):
        return error.failure, error.retryable
    if isinstance(error, DriverError):
        failure = Failure(cause=error.code, message=error.message, details=error.details or repr(error))
        return failure, isinstance(error, RetryableError) and not isinstance(error, AbortError)
    if isinstance(error, CloudError):
        return Failure(cause=error.kind, message=error.message, details=repr(error), code=error.code), False
    # Unexpected errors: the user reads that it failed, the administrator reads the exception (OSSA 2019-003).
    details = f"{type(error).__name__}: {error}"[:4000]
    return Failure(
        cause=type(error).__name__, message="An unexpected error occurred on the host.", details=details
    ), True


class TooLong(Exception):
    """The step's work is long: it continues in its host's queue of long steps, and others do not wait behind it."""


class Stale(Exception):
    """The message is old or doubled: the chain ends here, quietly."""


class StepFailed(Stale):
    """The step failed and was reverted: the chain ends here. Its text is the cause, for Flower and logs."""
