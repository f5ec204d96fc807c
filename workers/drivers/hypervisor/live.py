"""The part of the hypervisor contract about guests that run: copies of their disks, and what their agents do.

The rules of `workers.drivers.hypervisor.base` hold here too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

Quiesce = Literal["never", "if_possible", "required"]
"""Whether the guest's agent freezes its file systems while a copy ends."""
CopyProgress = Callable[[int, int], None]
"""Called as progress(bytes_done, bytes_in_all) several times a second. What it raises ends the copy."""


class LiveOperations(ABC):
    """Operations on a running guest's disks, and those of its agent."""

    @abstractmethod
    def copy_disk(
        self, server_id: str, source: str, path: str, quiesce: Quiesce, progress: CopyProgress | None = None
    ) -> None:
        """Copy the disk `source`, a file, of a guest that is on into `path`, an empty qcow2 file as large as the disk.

        Success: the file has all of the disk, as it was at one moment before the return, and no backing file; the guest
        was not paused. Failure: the guest runs on as before, and the file's content is of no use. Raises CopyFailed
        (also where the guest does not use `source`: it may run from a rescue disk), ServerNotFound, ServerNotRunning,
        and QuiesceFailed where `quiesce` is "required" and the agent did not do it, or does not thaw.
        """

    @abstractmethod
    def while_quiet(self, server_id: str, quiesce: Quiesce, work: Callable[[], object]) -> None:
        """Do a moment's work on the disks of a guest that is on, with its file systems frozen as `quiesce` says.

        Raises what `work` raises, ServerNotFound, ServerNotRunning, and QuiesceFailed as `copy_disk` does.
        """

    @abstractmethod
    def end_copy(self, server_id: str) -> None:
        """End what a copy left whose process was killed: its job, and frozen file systems. Nothing to end is success,
        and so is an absent domain.
        """

    @abstractmethod
    def copied(self) -> tuple[str, ...]:
        """Return the servers of which a disk is being copied, by `copy_disk` or `swap_disk` of any process."""

    @abstractmethod
    def freeze(self, server_id: str) -> bool:
        """Have the guest's agent write out its file systems, and let nothing write to them until `thaw`.

        Say whether it is so; if not, the guest is as before. False for a domain that is off or absent, or without an
        agent that answers. Raises QuiesceFailed where nobody can know.
        """

    @abstractmethod
    def thaw(self, server_id: str) -> None:
        """Let a guest's file systems be written to again. Nothing frozen is success, and so is an absent domain.

        Raises QuiesceFailed where the agent does not answer any more.
        """

    @abstractmethod
    def agent_answers(self, server_id: str) -> bool:
        """Say whether the guest has an agent that answers now. False for a domain that is off or absent."""

    @abstractmethod
    def set_password(self, server_id: str, user: str, password: str) -> None:
        """Have the guest's agent set a user's password.

        Raises ServerNotFound, AgentUnavailable where no agent answers, and PasswordRefused where it refused.
        """
