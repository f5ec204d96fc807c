"""Application credentials: a user's roles in one project, for a program."""

from django.db import models

from apps.identity.states import new_id


class AccessRule(models.Model):
    """One kind of call that a credential may make."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    user = models.ForeignKey("identity.User", models.CASCADE, related_name="access_rules")
    service = models.CharField(max_length=64)
    method = models.CharField(max_length=16)
    path = models.CharField(max_length=128)

    class Meta:
        ordering = ("service", "path", "method")
        constraints = [models.UniqueConstraint("user", "service", "method", "path", name="access_rule_of_user_once")]

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.path}"


class ApplicationCredential(models.Model):
    """``secret`` is a hash. ``unrestricted`` lets it make other credentials. Rules, if there are any, limit calls."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    user = models.ForeignKey("identity.User", models.CASCADE, related_name="application_credentials")
    project = models.ForeignKey("identity.Project", models.CASCADE, related_name="application_credentials")
    name = models.CharField(max_length=255)
    description = models.TextField(default="", blank=True)
    secret = models.CharField(max_length=128, editable=False)
    unrestricted = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    roles = models.ManyToManyField("identity.Role", related_name="application_credentials")
    access_rules = models.ManyToManyField(AccessRule, related_name="application_credentials", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint("user", "name", name="application_credential_of_user")]

    def __str__(self) -> str:
        return self.name
