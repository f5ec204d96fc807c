"""The error with which a make target fails: what is wrong, and what to do."""


class DeployError(Exception):
    """An error that the operator can fix.

    ``message`` says what is wrong; ``hint``, where given, what to do about it; ``details`` are the last lines of a log.
    """

    def __init__(self, message: str, hint: str = "", details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details
