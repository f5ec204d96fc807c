"""Projects and domains. As in Keystone a domain is a project row at the root of a tree."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.identity.states import new_id


class Project(models.Model):
    """``domain`` and ``parent`` are empty for a domain; the parent of a top-level project is its domain."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    domain = models.ForeignKey("identity.Domain", models.CASCADE, null=True, blank=True, related_name="members")
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    is_domain = models.BooleanField(default=False)
    name = models.CharField(max_length=64)
    description = models.TextField(default="", blank=True)
    enabled = models.BooleanField(default=True)
    tags = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    options = models.JSONField(default=dict, blank=True)
    extra = models.JSONField(default=dict, blank=True)
    # Tokens issued before are dead: set whenever the project is disabled.
    tokens_valid_after = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.UniqueConstraint("domain", "name", name="project_name_in_domain", condition=Q(is_domain=False)),
            models.UniqueConstraint("name", name="domain_name", condition=Q(is_domain=True)),
            models.CheckConstraint(
                name="domain_is_a_root",
                condition=Q(is_domain=True, domain=None, parent=None)
                | Q(is_domain=False, domain__isnull=False, parent__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name
