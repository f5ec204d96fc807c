"""What goes wrong between two hosts."""


class PeerError(Exception):
    """A request to another host failed. `details` is for administrators."""

    def __init__(self, message: str, *, details: str = "") -> None:
        super().__init__(message)
        self.message, self.details = message, details


class PeerUnreachable(PeerError):
    """The other host does not answer, or the connection broke."""


class PeerRefused(PeerError):
    """The other host does not give this."""
