"""Which policy document an endpoint takes: by itself, by its service in a region, or by its service."""

from django.db import models


class PolicyAssociation(models.Model):
    policy = models.ForeignKey("identity.Policy", models.CASCADE, related_name="associations")
    endpoint = models.ForeignKey("identity.Endpoint", models.CASCADE, null=True, related_name="policy_associations")
    service = models.ForeignKey("identity.Service", models.CASCADE, null=True, related_name="policy_associations")
    region = models.ForeignKey("identity.Region", models.CASCADE, null=True, related_name="policy_associations")

    class Meta:
        constraints = [
            # One policy for each target: a later one takes its place.
            models.UniqueConstraint(
                fields=("endpoint", "service", "region"), name="policy_association_target", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=models.Q(endpoint__isnull=False, service__isnull=True, region__isnull=True)
                | models.Q(endpoint__isnull=True, service__isnull=False),
                name="policy_association_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy_id} for {self.endpoint_id or self.service_id} {self.region_id or ''}".strip()
