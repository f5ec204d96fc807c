"""The network service's resources in the one quota system, and changes of their limits. Callers have checked policy.

Every resource is counted: in the transaction that makes a row, the rows of the project are counted under a lock of the
project and resource (`apps/quotas/services/counting.py`). That is as exact as a reservation. A reservation promises
what a run makes later on a host; a router or a floating IP is made by the request itself, so nothing would be promised
between the check and the row, and no second record could drift from the rows. Ports of new servers come later, in a
run: a request for several interfaces a server counts those to come as well (`check_ports`); servers with one interface
are bounded by the quota of servers, which is reserved.
"""

from collections.abc import Callable

from apps.identity.selectors import projects
from apps.networking import exceptions
from apps.networking.selectors import quotas as selectors
from apps.quotas import registry
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.services import counting, limits


def register() -> None:
    """Register the network service's resources: its rows, including those that boots create."""
    registry.register(
        [
            registry.Resource(name=name, service=selectors.SERVICE, setting="NETWORK_QUOTAS", count=count)
            for name, count in selectors.COUNTS.items()
        ]
    )


def check(*, resource: str, project_id: str) -> None:
    """Refuse one more than the limit. Call it in the transaction that writes. 3 queries. Raises OverQuota (409)."""
    try:
        counting.check(resource=resource, owner_id=project_id)
    except QuotaExceeded:
        raise exceptions.OverQuota(resource=resource) from None


def check_ports(*, project_id: str, adding: Callable[[], int]) -> None:
    """Refuse servers whose ports exceed the limit. Call it in the transaction that writes them, whose ports come later.

    ``adding`` returns how many ports are to come, those of servers before included; it is called under the lock.
    At most 3 queries and those of ``adding``. Raises OverQuota (409).
    """
    try:
        counting.check_after(resource="port", owner_id=project_id, adding=adding)
    except QuotaExceeded:
        raise exceptions.OverQuota(resource="port") from None


def update(*, project_id: str, values: dict[str, int]) -> None:
    """Set a project's limits, also below its usage. Raises ProjectNotFound (404)."""
    if projects.find(project_id) is None:
        raise exceptions.ProjectNotFound(id=project_id[:64])
    limits.set_many(owner_id=project_id, values=values, force=True)


def reset(*, project_id: str) -> None:
    """Drop a project's own limits of this service: the defaults apply again. A project without own limits is success.

    A deleted project's limits can be dropped too. Raises ProjectNotFound (404).
    """
    if projects.find(project_id) is None and not selectors.has_own(project_id=project_id):
        raise exceptions.ProjectNotFound(id=project_id[:64])
    limits.reset(owner_id=project_id, resources=selectors.COUNTS)
