"""Moving a server to another host while it is off. The API does not offer it yet."""

from django.db import transaction

from apps.common.context import RequestContext
from apps.common.exceptions import Conflict
from apps.compute import rpcapi, states
from apps.compute.models import Server
from apps.compute.services import servers


@transaction.atomic
def migrate(*, context: RequestContext, server: Server) -> None:
    """Begin to move a server to a host that the scheduler chooses. Raises WrongState, Conflict (409)."""
    allowed = (states.ACTIVE, states.STOPPED)
    servers.begin_action(context=context, server=server, action="migrate", allowed=allowed, task=states.RESIZE_PREP)
    if not server.host:
        raise Conflict(f"Cannot 'migrate' instance {server.id}: it has no host.")
    rpcapi.migrate(context=context, server=server)
