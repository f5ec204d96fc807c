"""What stands for this machine in the tests of a lab: a network namespace that the tests' thread enters and leaves."""

import os
from contextlib import AbstractContextManager

from deploy.private.ovn import namespace


class Machine:
    """A network namespace that lives until it is closed, or the process ends."""

    def __init__(self) -> None:
        with namespace() as inside:
            self._descriptor = os.dup(inside)

    def entered(self) -> AbstractContextManager[int]:
        """Put this thread, and what it starts meanwhile, into the namespace."""
        return namespace(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)
