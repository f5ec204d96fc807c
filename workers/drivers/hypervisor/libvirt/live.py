"""The live part of the contract over libvirt: block copies, and the QEMU guest agent."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import libvirt

from workers.drivers.hypervisor.errors import AgentUnavailable, CopyFailed, PasswordRefused, ServerNotRunning
from workers.drivers.hypervisor.libvirt import copies, domains, guest_agent
from workers.drivers.hypervisor.libvirt.connection import Connection
from workers.drivers.hypervisor.libvirt.failures import is_absent, translated
from workers.drivers.hypervisor.live import CopyProgress, LiveOperations, Quiesce

_ABSENT = (
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
    libvirt.VIR_ERR_AGENT_UNSYNCED,
    libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,  # the domain has no channel
    libvirt.VIR_ERR_OPERATION_INVALID,
)


class LibvirtLive(LiveOperations):
    """A part of LibvirtDriver."""

    _connection: Connection
    _home: str

    @abstractmethod
    def _existing(self, server_id: str) -> libvirt.virDomain:
        """Return the domain. Raises ServerNotFound."""

    @abstractmethod
    def _lookup(self, server_id: str) -> libvirt.virDomain | None:
        """Return the domain, or None."""

    def copy_disk(
        self, server_id: str, source: str, path: str, quiesce: Quiesce, progress: CopyProgress | None = None
    ) -> None:
        with translated(CopyFailed):
            domain = self._existing(server_id)
            if not domains.is_active(domain):
                raise ServerNotRunning("The server is not in a state that allows this.", details=server_id)
            copies.copy(domain, source, path, quiesce, progress)

    def while_quiet(self, server_id: str, quiesce: Quiesce, work: Callable[[], object]) -> None:
        with translated(CopyFailed):
            domain = self._existing(server_id)
            if not domains.is_active(domain):
                raise ServerNotRunning("The server is not in a state that allows this.", details=server_id)
            with guest_agent.frozen(domain, quiesce):
                work()

    def end_copy(self, server_id: str) -> None:
        with translated():
            domain = self._lookup(server_id)
            if domain is not None and domains.is_active(domain):
                copies.end(domain)

    def copied(self) -> tuple[str, ...]:
        def work(connection: libvirt.virConnect) -> tuple[str, ...]:
            return tuple(key for key in domains.survey(connection, self._home, copies.copied) if key)

        with translated():
            return self._connection.run(work)

    def freeze(self, server_id: str) -> bool:
        with translated():
            domain = self._lookup(server_id)
            return domain is not None and domains.is_active(domain) and guest_agent.freeze(domain)

    def thaw(self, server_id: str) -> None:
        with translated():
            domain = self._lookup(server_id)
            if domain is not None and domains.is_active(domain):
                guest_agent.thaw_for_sure(domain)

    def agent_answers(self, server_id: str) -> bool:
        with translated():
            domain = self._lookup(server_id)
            return domain is not None and domains.is_active(domain) and guest_agent.answers(domain)

    def set_password(self, server_id: str, user: str, password: str) -> None:
        with translated():
            domain = self._existing(server_id)
        try:
            guest_agent.set_password(domain, user, password)
        except libvirt.libvirtError as error:
            details = f"libvirt {error.get_error_code()}: {error.get_error_message()}"
            if error.get_error_code() in _ABSENT or is_absent(error):
                raise AgentUnavailable("The agent in the server does not answer.", details=details) from error
            raise PasswordRefused("The agent in the server did not set the password.", details=details) from error
