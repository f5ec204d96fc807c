"""A domain's own configuration, one row for each option."""

from django.db import models


class DomainOption(models.Model):
    """``value`` is the given one; for secret options, encrypted with the credential keys."""

    domain = models.ForeignKey("identity.Domain", models.CASCADE, related_name="configuration")
    group = models.CharField(max_length=255)
    option = models.CharField(max_length=255)
    value = models.JSONField(null=True)

    class Meta:
        ordering = ("group", "option")
        constraints = [models.UniqueConstraint(fields=("domain", "group", "option"), name="domain_option")]

    def __str__(self) -> str:
        return f"{self.domain_id} {self.group}.{self.option}"
