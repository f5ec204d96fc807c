"""Groups of users, and who belongs to them."""

from django.db import models

from apps.identity.states import new_id


class Group(models.Model):
    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    domain = models.ForeignKey("identity.Domain", models.CASCADE, related_name="groups")
    name = models.CharField(max_length=64)
    description = models.TextField(default="", blank=True)
    extra = models.JSONField(default=dict, blank=True)
    users = models.ManyToManyField("identity.User", through="GroupMembership", related_name="groups")

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint("domain", "name", name="group_name_in_domain")]

    def __str__(self) -> str:
        return self.name


class GroupMembership(models.Model):
    group = models.ForeignKey(Group, models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey("identity.User", models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [models.UniqueConstraint("group", "user", name="group_has_user_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"
