"""Writing policy documents."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.common import audit
from apps.identity import locks
from apps.identity.exceptions import NotFound
from apps.identity.models import Policy
from apps.identity.selectors import policies
from apps.identity.services import row_writes

_FIELDS = ("type", "blob", "extra")


@transaction.atomic
def create(*, values: Mapping[str, Any]) -> Policy:
    policy = Policy()
    row_writes.merge(policy, values, _FIELDS)
    policy.save(force_insert=True)
    audit.record("create", "policy", policy.pk)
    return policy


@transaction.atomic
def update(*, policy_id: str, changes: Mapping[str, Any]) -> Policy:
    policy = locks.row(Policy.objects.all(), policy_id)
    if policy is None:
        raise NotFound(noun="policy", id=policy_id[:64])
    row_writes.merge(policy, changes, _FIELDS)
    policy.save()
    audit.record("update", "policy", policy.pk)
    return policy


@transaction.atomic
def delete(*, policy_id: str) -> None:
    policies.get(policy_id).delete()
    audit.record("delete", "policy", policy_id)
