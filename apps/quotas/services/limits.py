"""Changing limits."""

from collections.abc import Collection

from apps.common import audit
from apps.common.exceptions import BadRequest
from apps.quotas.models import Limit
from apps.quotas.selectors import usages


def set_many(*, owner_id: str, values: dict[str, int], force: bool = False) -> None:
    """Set limits. Raises BadRequest for a limit below what is in use unless ``force``."""
    used = usages.of_owner(owner_id=owner_id)
    for resource, value in values.items():
        have = sum(used.get(resource, (0, 0)))
        if not force and value != -1 and value < have:
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
