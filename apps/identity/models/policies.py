"""Policy documents that services may keep here. Celerity's own rules are in policy.yaml."""

from django.db import models

from apps.identity.states import new_id


class Policy(models.Model):
    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    type = models.CharField(max_length=255)
    blob = models.TextField()
    extra = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
