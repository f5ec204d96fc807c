"""Passwords that guests posted."""

import uuid
from collections.abc import Iterable

from apps.compute.models import ServerPassword


def of_servers(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the posted passwords; servers without one are absent. 1 query."""
    rows = ServerPassword.objects.filter(server_id__in=server_ids)
    return dict(rows.values_list("server_id", "value"))


def of_server(*, server_id: uuid.UUID) -> str:
    """Return a server's posted password, or "". 1 query."""
    return of_servers(server_ids=[server_id]).get(server_id, "")
