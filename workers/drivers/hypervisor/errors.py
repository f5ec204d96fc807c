"""Errors of a hypervisor: another host may succeed, or none can."""

from __future__ import annotations

from workers.drivers.errors import AbortError, RetryableError


class HypervisorUnavailable(RetryableError):
    """The hypervisor's daemon does not answer."""

    default_code = "hypervisor_unavailable"


class HypervisorBusy(RetryableError):
    """The hypervisor did not do it in time, or another operation holds the domain."""

    default_code = "hypervisor_busy"


class SpawnFailed(RetryableError):
    """The domain could not be defined or powered on, on this host."""

    default_code = "spawn_failed"


class NotEnoughResources(RetryableError):
    """This host has too little memory or too few processors left."""

    default_code = "not_enough_resources"


class SoftRebootFailed(RetryableError):
    """The guest did not power off when it was asked to; it still runs."""

    default_code = "soft_reboot_failed"


class SuspendFailed(RetryableError):
    """The guest's memory could not be saved; it still runs."""

    default_code = "suspend_failed"


class AttachFailed(RetryableError):
    """The device could not be plugged into the domain, or unplugged from it."""

    default_code = "attach_failed"


class NoFreeSlot(AbortError):
    """The running guest has no free slot for another device."""

    default_code = "no_free_slot"


class GuestHoldsDevice(AbortError):
    """The guest was asked to release a device and did not."""

    default_code = "guest_holds_device"


class CopyFailed(RetryableError):
    """The disk of a running guest could not be copied."""

    default_code = "copy_failed"


class QuiesceFailed(AbortError):
    """The guest's agent had to freeze the file systems and did not, or does not thaw them."""

    default_code = "quiesce_failed"


class AgentUnavailable(AbortError):
    """The guest has no agent, or it does not answer."""

    default_code = "agent_unavailable"


class PasswordRefused(AbortError):
    """The guest's agent did not set the password."""

    default_code = "password_refused"


class ImpossibleServer(AbortError):
    """The server's definition is refused, and would be on every host."""

    default_code = "impossible_server"


class ImageBroken(AbortError):
    """QEMU cannot use the content of the server's image, on this host or any other."""

    default_code = "image_broken"


class ServerNotFound(AbortError):
    """No domain of this id exists on this host."""

    default_code = "server_not_found"


class ServerNotRunning(AbortError):
    """The operation needs a running domain."""

    default_code = "server_not_running"


class MigrationFailed(RetryableError):
    """The running guest could not be moved to that host."""

    default_code = "migration_failed"


class MigrationImpossible(RetryableError):
    """The destination cannot take this running guest; another host may."""

    default_code = "migration_impossible"
