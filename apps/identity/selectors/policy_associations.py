"""Reading which policy document an endpoint takes."""

from dataclasses import dataclass

from django.db.models import QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import Endpoint, Policy, PolicyAssociation, Region

Target = tuple[str | None, str | None, str | None]


def exists(
    *, policy: Policy, endpoint_id: str | None = None, service_id: str | None = None, region_id: str | None = None
) -> bool:
    """Return whether the policy is associated with exactly this target."""
    rows = PolicyAssociation.objects.filter(policy=policy, endpoint_id=endpoint_id, service_id=service_id)
    return rows.filter(region_id=region_id).exists()


@dataclass(frozen=True, slots=True)
class Table:
    """All associations by (endpoint, service, region), and each region's parent. 2 queries."""

    policies: dict[Target, str]
    parents: dict[str, str | None]

    @classmethod
    def read(cls) -> "Table":
        rows = PolicyAssociation.objects.values_list("endpoint_id", "service_id", "region_id", "policy_id")
        return cls({(a, b, c): policy for a, b, c, policy in rows}, dict(Region.objects.values_list("pk", "parent_id")))

    def policy_of(self, endpoint: Endpoint) -> str | None:
        """Return the ID of the endpoint's policy, else its service's in the region or the nearest parent region, else
        its service's.
        """
        regions = [(None, endpoint.service_id, region) for region in self._upwards(endpoint.region_id)]
        for target in ((endpoint.pk, None, None), *regions, (None, endpoint.service_id, None)):
            if target in self.policies:
                return self.policies[target]
        return None

    def _upwards(self, region_id: str | None) -> list[str]:
        regions: list[str] = []
        while region_id is not None and region_id not in regions:
            regions.append(region_id)
            region_id = self.parents.get(region_id)
        return regions


def policy_of(endpoint: Endpoint) -> Policy:
    """Return the policy that an endpoint takes. Raises NotFound when there is none."""
    policy = Policy.objects.filter(pk=Table.read().policy_of(endpoint)).first()
    if policy is None:
        raise NotFound(f"No policy is associated with endpoint {endpoint.pk}.")
    return policy


def endpoints_of(policy: Policy) -> QuerySet[Endpoint]:
    """Return the endpoints that take this policy."""
    table = Table.read()
    ids = [row.pk for row in Endpoint.objects.all() if table.policy_of(row) == policy.pk]
    return Endpoint.objects.filter(pk__in=ids)
