"""Identity for operators: users and projects can be created and changed as through the API; the rest is read-only."""

from django.contrib import admin
from django.contrib.auth.models import Group as PageGroup

from apps.identity.admin import catalog, delegations, projects, role_assignments, roles, users

__all__ = ["catalog", "delegations", "projects", "role_assignments", "roles", "users"]

admin.site.unregister(PageGroup)  # Django's own groups: nobody is in one, groups of users are identity's
