"""Changing compute services, Nova's name for the agents of hosts."""

from typing import Any

from django.db import transaction

from apps.common.exceptions import BadRequest, Conflict
from apps.compute.selectors import services as selectors
from apps.scheduling.services import host_removal, hosts, schedulers
from apps.workflow.services import findings


def update(
    *, host: str, enabled: bool | None = None, reason: str | None = None, forced_down: bool | None = None
) -> Any:
    """Enable, disable with a reason, or force down. Returns the host. Raises BadRequest (400), HostNotFound (404)."""
    if reason is not None and enabled is not False:
        raise BadRequest("Specifying 'disabled_reason' when status is 'enabled' is invalid.")
    if enabled is None and forced_down is None:
        raise BadRequest("No updates were requested. Fields 'status' or 'forced_down' should be specified.")
    return hosts.update(name=host, enabled=enabled, reason=reason, forced_down=forced_down)


def delete(*, host: str) -> None:
    """Remove the service with its host. Raises Conflict (409) while it runs or servers are on it."""
    if selectors.has_servers(host=host):
        raise Conflict(
            "Unable to delete compute service that is hosting instances. Migrate or delete the instances first."
        )
    with transaction.atomic():
        host_removal.remove(name=host)
        findings.close_of_host(host=host)


def forget_scheduler(*, scheduler: Any) -> None:
    """Remove the service of a machine whose schedulers are gone. Raises Conflict (409) while they run."""
    if scheduler.is_up:
        raise Conflict(f"The scheduler on {scheduler.host} is running. Stop it first.")
    schedulers.remove(scheduler=scheduler)
