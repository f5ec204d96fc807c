"""Reading policy documents."""

from collections.abc import Mapping

from django.db.models import QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import Policy
from apps.identity.selectors import filters


def get(policy_id: str) -> Policy:
    """Raises NotFound."""
    policy = Policy.objects.filter(pk=policy_id).first()
    if policy is None:
        raise NotFound(noun="policy", id=policy_id[:64])
    return policy


def listed(params: Mapping[str, str]) -> QuerySet[Policy]:
    return filters.apply(Policy.objects.all(), params, texts=("type",))
