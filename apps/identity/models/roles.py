"""Roles, and which role contains which."""

from django.db import models
from django.db.models import F, Q

from apps.identity.states import new_id


class Role(models.Model):
    """A role with a domain is never in a token itself: only the roles that it implies are."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    domain = models.ForeignKey("identity.Domain", models.CASCADE, null=True, blank=True, related_name="roles")
    name = models.CharField(max_length=255)
    description = models.TextField(default="", blank=True)
    options = models.JSONField(default=dict, blank=True)
    extra = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["domain", "name"], name="role_name", nulls_distinct=False)]

    def __str__(self) -> str:
        return self.name


class ImpliedRole(models.Model):
    prior = models.ForeignKey(Role, models.CASCADE, related_name="implications", db_index=False)
    implied = models.ForeignKey(Role, models.CASCADE, related_name="implied_by")

    class Meta:
        constraints = [
            models.UniqueConstraint("prior", "implied", name="role_implies_once"),
            models.CheckConstraint(name="role_implies_another", condition=~Q(prior=F("implied"))),
        ]

    def __str__(self) -> str:
        return f"{self.prior_id} implies {self.implied_id}"
