"""Taking a host out of the cloud."""

from django.db import transaction
from django.db.models import ProtectedError

from apps.common.exceptions import Conflict
from apps.scheduling import locks
from apps.scheduling.selectors import hosts as selectors


@transaction.atomic
def remove(*, name: str) -> None:
    """Forget a host and its inventory. Raises HostNotFound (404), Conflict (409) while its agent runs or it has claims.

    An agent that starts again registers its host again.
    """
    host = locks.host_to_delete(name) or selectors.get(name=name)
    if host.is_up:
        raise Conflict(f"The agent of host {name} is running: stop it before its service is deleted.")
    try:
        host.delete()
    except ProtectedError:
        raise Conflict(
            f"Host {name} has servers or volumes, or a server moves there: move or delete them first."
        ) from None
