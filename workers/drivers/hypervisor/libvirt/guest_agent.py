"""The QEMU guest agent by libvirt's calls: whether it answers, freezing file systems, setting a password."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import libvirt

from workers.drivers.hypervisor.errors import QuiesceFailed
from workers.drivers.hypervisor.libvirt.host import parse
from workers.drivers.hypervisor.live import Quiesce

_log = logging.getLogger(__name__)
_ANSWER_S = 5
_FREEZE_S = 30  # the guest writes everything that it has in memory first
_THAW_S = 180  # how long a thaw is asked for; a guest that stays frozen hangs on its next write
_ASK_AGAIN_S = 1.0
_MUTE = (
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
    libvirt.VIR_ERR_AGENT_UNSYNCED,
    libvirt.VIR_ERR_OPERATION_TIMEOUT,  # another call has the domain
)
_CHANNEL = "devices/channel/target[@name='org.qemu.guest_agent.0'][@state='connected']"


def is_connected(domain: libvirt.virDomain) -> bool:
    """Say whether a program in the guest has the agent's channel open. Asks the guest nothing."""
    return parse(domain.XMLDesc()).find(_CHANNEL) is not None


def answers(domain: libvirt.virDomain) -> bool:
    """Say whether the agent answers: it is asked for the time."""
    if not is_connected(domain):
        return False
    try:
        domain.agentSetResponseTimeout(_ANSWER_S)
        domain.getTime()
    except libvirt.libvirtError as error:
        _log.info("%s: no answer of the agent: %s", domain.name(), error.get_error_message())
        return False
    return True


def set_password(domain: libvirt.virDomain, user: str, password: str) -> None:
    """Lets libvirtError through."""
    domain.agentSetResponseTimeout(_FREEZE_S)
    domain.setUserPassword(user, password, 0)


@contextmanager
def frozen(domain: libvirt.virDomain, quiesce: Quiesce) -> Iterator[None]:
    """Freeze the guest's file systems for the block, as far as its agent does it.

    Raises QuiesceFailed where that is required and not done.
    """
    is_frozen = quiesce != "never" and freeze(domain)
    if quiesce == "required" and not is_frozen:
        raise QuiesceFailed(
            "The agent in the server did not freeze its file systems, which the image requires (os_require_quiesce).",
            details=domain.name(),
        )
    try:
        yield
    finally:
        if is_frozen:
            thaw_for_sure(domain)


def freeze(domain: libvirt.virDomain) -> bool:
    """Say whether the file systems are frozen. Raises QuiesceFailed where nobody can know."""
    if not answers(domain):  # what it does not hear now, it may do later
        return False
    try:
        domain.agentSetResponseTimeout(_FREEZE_S)
        domain.fsFreeze()
    except libvirt.libvirtError as error:
        _log.info("%s: not frozen: %s", domain.name(), error.get_error_message())
        thaw_for_sure(domain)  # it may be done after libvirt stopped waiting
        return False
    return True


def thaw_for_sure(domain: libvirt.virDomain) -> None:
    """Ask for the thaw until the agent answers. Raises QuiesceFailed when it does not for minutes."""
    deadline = time.monotonic() + _THAW_S
    while not thaw(domain):
        if time.monotonic() > deadline:
            raise QuiesceFailed(
                "The agent in the server does not thaw its file systems. If the server hangs, reboot it (hard).",
                details=domain.name(),
            )
        time.sleep(_ASK_AGAIN_S)


def thaw(domain: libvirt.virDomain) -> bool:
    """Thaw the guest's file systems; say whether the agent answered. Nothing frozen is success, and so is no agent."""
    try:
        if is_connected(domain):
            domain.agentSetResponseTimeout(_FREEZE_S)
            domain.fsThaw()
    except libvirt.libvirtError as error:
        _log.warning("%s: not thawed: %s", domain.name(), error.get_error_message())
        return error.get_error_code() not in _MUTE
    return True
