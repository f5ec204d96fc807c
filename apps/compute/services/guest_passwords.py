"""Changing the administrator's password in a guest, by its agent."""

from django.db import transaction

from apps.common.context import RequestContext
from apps.compute import admin_passwords, image_properties, states
from apps.compute.actions import CHANGE_PASSWORD
from apps.compute.exceptions import GuestAgentMissing
from apps.compute.models import Server
from apps.compute.services import agents, server_actions, server_states

ANSWERS = b"yes"
TIMEOUT_SECONDS = 15  # the host waits 5 seconds for libvirt, and 5 for the guest


def change(*, context: RequestContext, server: Server, password: str) -> None:
    """Begin to set the password. The server's row keeps it, encrypted, until the guest has it or the run has failed.

    Raises GuestAgentMissing (409) where the image promises no agent or none answers now, and what
    ``server_actions.begin`` raises.
    """
    if not image_properties.has_guest_agent(server.image_properties):
        raise GuestAgentMissing(
            action=CHANGE_PASSWORD.name, server=server.id, reason="its image does not have hw_qemu_guest_agent"
        )
    if server.vm_state == states.ACTIVE and not server.task_state:  # another one is refused for its state
        _check_agent(server)
    with transaction.atomic():
        server_actions.begin(context=context, server=server, action=CHANGE_PASSWORD)
        server_states.keep_password(server_id=server.id, sealed=admin_passwords.seal(password))


def answers(server: Server) -> bool:
    """Return whether the agent in the guest answers now."""
    answer = agents.ask(server=server, part="guest-agent", limit=len(ANSWERS), timeout_seconds=TIMEOUT_SECONDS)
    return answer == ANSWERS


def _check_agent(server: Server) -> None:
    if not answers(server):
        raise GuestAgentMissing(action=CHANGE_PASSWORD.name, server=server.id, reason="the agent in it does not answer")
