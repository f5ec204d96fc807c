"""Whether a project may use a shared row still, in the transaction that gives it to something.

Who ends the sharing of a row locks it (``rbac_policies``) and counts who uses it. Either that one waits for the
transaction that called ``keep`` and then counts it, or ``keep`` waits and finds the row closed. Networks have their own
way (``network_access``): their ports need not wait for one another.
"""

import uuid
from collections.abc import Iterable

from apps.common.context import RequestContext
from apps.networking import locks
from apps.networking.models.base import SharedResource
from apps.networking.selectors.sharing import is_shared_with
from apps.networking.services.shared_objects import TYPES


def may_use(context: RequestContext, row: SharedResource) -> bool:
    """Return whether a row is the caller's, or shared with the caller; administrators may use all."""
    return context.is_admin or _is_open_to(context.project_id, row)


def _is_open_to(project_id: str | None, row: SharedResource) -> bool:
    return row.project_id == project_id or is_shared_with(row, project_id)


def keep(*, project_id: str | None, model: type[SharedResource], ids: Iterable[uuid.UUID]) -> None:
    """Hold rows until the commit, those of other projects alone, and check that a project may use them still.

    At most 1 query. Raises the model's NotFound (404).
    """
    wanted = set(ids)
    if not wanted:
        return
    usable = {row.id for row in locks.shared(model, wanted) if _is_open_to(project_id, row)}
    not_found = next(kind.not_found for kind in TYPES.values() if kind.model is model)
    for missing in sorted(wanted - usable):
        raise not_found(id=missing)
