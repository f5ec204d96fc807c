"""Users: people and services that sign in. They are Django's users too, so that one password opens everything."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Now

from apps.identity.states import DEFAULT_DOMAIN_ID, new_id


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        """Return a user of the default domain: Django's own pages know no domains."""
        return self.get(domain_id=DEFAULT_DOMAIN_ID, name=username)


class User(AbstractBaseUser):
    """``name`` is unique within its domain. ``is_staff`` opens the admin pages, ``is_superuser`` all of them."""

    id = models.CharField(primary_key=True, max_length=64, default=new_id, editable=False)
    domain = models.ForeignKey("identity.Domain", models.CASCADE, related_name="users")
    name = models.CharField(max_length=255)
    email = models.CharField(max_length=255, default="", blank=True)
    description = models.TextField(default="", blank=True)
    enabled = models.BooleanField(default=True)
    # A bare id, as in Keystone: the project may be deleted without a word to the user.
    default_project_id = models.CharField(max_length=64, null=True, blank=True)
    options = models.JSONField(default=dict, blank=True)
    extra = models.JSONField(default=dict, blank=True)
    # Written into every token, and compared with this row at each use: a new value ends all tokens that carry an older
    # one. Being equal, not later, it depends on no clock and loses no race with a sign-in.
    tokens_valid_after = models.DateTimeField(db_default=Now(), editable=False)
    password_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    password_expires_at = models.DateTimeField(null=True, blank=True)
    failed_auth_count = models.PositiveIntegerField(default=0, editable=False)
    failed_auth_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_staff = models.BooleanField(default=False)
    is_superuser = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "name"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []  # type: ignore[misc]

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint("domain", "name", name="user_name_in_domain")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.enabled

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return self.enabled and self.is_superuser

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        return self.enabled and self.is_superuser

    def has_module_perms(self, app_label: str) -> bool:
        return self.enabled and self.is_superuser
