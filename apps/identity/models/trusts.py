"""Trusts: one user lends another some roles in a project."""

from django.db import models

from apps.identity.states import new_id


class Trust(models.Model):
    """With ``impersonation`` the trustee's tokens say that they are the trustor's. Rows never change but for uses."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    trustor = models.ForeignKey("identity.User", models.CASCADE, related_name="trusts_given")
    trustee = models.ForeignKey("identity.User", models.CASCADE, related_name="trusts_received")
    project = models.ForeignKey("identity.Project", models.CASCADE, related_name="trusts")
    impersonation = models.BooleanField()
    expires_at = models.DateTimeField(null=True, blank=True)
    remaining_uses = models.PositiveIntegerField(null=True, blank=True)
    roles = models.ManyToManyField("identity.Role", related_name="trusts")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return f"{self.trustor_id} trusts {self.trustee_id}"
