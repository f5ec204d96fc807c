"""Whether a caller may put a port on a network: at the request, and still in the transaction that writes the port.

Foreign keys are checked when a transaction ends. ``hold`` has them checked at once, which keeps the networks that new
ports refer to as they are until the end. A transaction that closes a network takes ``locks.network_to_delete``. Either
it waits for those ports and then counts them, or ``hold`` waits for it and the caller then reads the closed network.
"""

import uuid

from django.db import IntegrityError, connection

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import Network
from apps.networking.selectors import networks
from apps.networking.selectors.sharing import is_shared_with


def refuse_external(*, context: RequestContext, network: Network) -> None:
    """Refuse others' external networks (ExternalNetworkForbidden, 403): everybody sees them, their owner uses them."""
    if not network.external or context.is_admin or network.project_id == context.project_id:
        return
    if not is_shared_with(network, context.project_id):
        raise exceptions.ExternalNetworkForbidden(id=network.id)


def hold(*, network_id: uuid.UUID) -> None:
    """Lock a network that rows of this transaction refer to. 2 statements. Raises NetworkNotFound (404)."""
    try:
        connection.check_constraints()
    except IntegrityError:
        raise exceptions.NetworkNotFound(id=network_id) from None


def keep(*, context: RequestContext, network: Network) -> None:
    """Hold the network of a new port, if it is another project's, and check that the caller may use it still.

    Raises NetworkNotFound (404) and ExternalNetworkForbidden (403).
    """
    if context.is_admin or network.project_id == context.project_id:
        return
    hold(network_id=network.id)
    refuse_external(context=context, network=networks.get(context=context, network_id=network.id))
