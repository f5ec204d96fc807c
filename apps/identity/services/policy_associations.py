"""Saying which policy document an endpoint takes."""

from django.db import transaction

from apps.common import audit
from apps.identity.exceptions import NotFound
from apps.identity.models import PolicyAssociation
from apps.identity.selectors import endpoints, policies, regions, services


@transaction.atomic
def create(
    *, policy_id: str, endpoint_id: str | None = None, service_id: str | None = None, region_id: str | None = None
) -> None:
    """Associate a policy with an endpoint, a service, or a service in a region; it replaces the previous one."""
    policy = policies.get(policy_id)
    PolicyAssociation.objects.update_or_create(
        endpoint=endpoints.get(endpoint_id) if endpoint_id else None,
        service=services.get(service_id) if service_id else None,
        region=regions.get(region_id) if region_id else None,
        defaults={"policy": policy},
    )
    place = {"endpoint": endpoint_id, "service": service_id, "region": region_id}
    audit.record("update", "policy", policy.pk, details={"associated": place})


@transaction.atomic
def delete(
    *, policy_id: str, endpoint_id: str | None = None, service_id: str | None = None, region_id: str | None = None
) -> None:
    policy = policies.get(policy_id)
    rows = PolicyAssociation.objects.filter(
        policy=policy, endpoint_id=endpoint_id, service_id=service_id, region_id=region_id
    )
    if not rows.delete()[0]:
        raise NotFound(noun="policy association", id=(endpoint_id or service_id or "")[:64])
    place = {"endpoint": endpoint_id, "service": service_id, "region": region_id}
    audit.record("update", "policy", policy.pk, details={"dissociated": place})
