"""Changing limits."""

from collections.abc import Collection

from apps.common import audit
from apps.common.exceptions import BadRequest
from apps.quotas import registry
from apps.quotas.models import Limit
from apps.quotas.selectors import usages


def set_many(*, owner_id: str, values: dict[str, int], force: bool = False) -> None:
    """Set limits. Raises BadRequest (400) for a limit below the usage unless ``force``. 1 query, and 1 or 2 for each
    counted resource that is checked.
    """
    used = {} if force else usages.of_owner(owner_id=owner_id)
    for resource, value in values.items():
        if force or value == -1:
            continue
        counted = registry.counted(resource)
        if counted is not None:
            have = usages.counted_in_units(owner_id=owner_id, resource=counted)
        else:
            have = sum(used.get(resource, (0, 0)))
        if value < have:
            raise BadRequest(
                f"Quota limit {value} for {resource} must be greater than or equal to already used and reserved {have}."
            )
    Limit.objects.bulk_create(
        [Limit(owner_id=owner_id, resource=resource, value=value) for resource, value in values.items()],
        update_conflicts=True,
        unique_fields=["owner_id", "resource"],
        update_fields=["value"],
    )
    audit.record("update", "quota", owner_id, details=values)


def reset(*, owner_id: str, resources: Collection[str] | None = None) -> None:
    """Drop an owner's own limits, of all resources or of one service's: the defaults apply again."""
    rows = Limit.objects.filter(owner_id=owner_id)
    (rows if resources is None else rows.filter(resource__in=list(resources))).delete()
    audit.record("reset", "quota", owner_id)


def reset_one(*, owner_id: str, resource: str) -> None:
    """Drop one limit: the default applies. Absent is success."""
    Limit.objects.filter(owner_id=owner_id, resource=resource).delete()
    audit.record("reset", "quota", owner_id, details={"resource": resource})
