"""Who has which role where."""

from django.db import models
from django.db.models import Q

TARGETS = ("project", "domain")


class RoleAssignment(models.Model):
    """A user or a group has a role on a project, on a domain, or on the system.

    Each kind of actor and target has its own column, so that equal ids of two kinds never meet (OSSA 2014-015).
    ``inherited`` grants the role on children of the target, not on the target itself.
    """

    user = models.ForeignKey("identity.User", models.CASCADE, null=True, blank=True, related_name="assignments")
    group = models.ForeignKey("identity.Group", models.CASCADE, null=True, blank=True, related_name="assignments")
    project = models.ForeignKey("identity.Project", models.CASCADE, null=True, blank=True, related_name="assignments")
    domain = models.ForeignKey(
        "identity.Domain", models.CASCADE, null=True, blank=True, related_name="domain_assignments"
    )
    system = models.BooleanField(default=False)
    role = models.ForeignKey("identity.Role", models.CASCADE, related_name="assignments")
    inherited = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "group", "project", "domain", "system", "role", "inherited"],
                name="role_assigned_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="assignment_has_one_actor",
                condition=Q(user__isnull=False, group=None) | Q(user=None, group__isnull=False),
            ),
            models.CheckConstraint(
                name="assignment_has_one_target",
                condition=Q(project__isnull=False, domain=None, system=False)
                | Q(project=None, domain__isnull=False, system=False)
                | Q(project=None, domain=None, system=True),
            ),
        ]

    def __str__(self) -> str:
        actor = f"user {self.user_id}" if self.user_id else f"group {self.group_id}"
        if self.system:
            return f"{actor}: {self.role_id} on the system"
        return f"{actor}: {self.role_id} on {self.project_id or self.domain_id}"
