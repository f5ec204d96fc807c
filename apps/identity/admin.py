"""Identity for operators. Rows that services own are looked at here, not written."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group as PageGroup
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from apps.identity import models

admin.site.unregister(PageGroup)  # Django's own groups: nobody is in one, groups of users are identity's


class ReadOnlyAdmin(ModelAdmin):
    """Writing goes through the API: services keep the rules, and end tokens where they must."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(ReadOnlyInline):
    model = models.GroupMembership
    fields = ("user", "group")


class AssignmentInline(ReadOnlyInline):
    model = models.RoleAssignment
    fields = ("user", "group", "role", "project", "domain", "system", "inherited")


class DomainAssignmentInline(AssignmentInline):
    fk_name = "domain"


class ProjectAssignmentInline(AssignmentInline):
    fk_name = "project"


class ImpliedRoleInline(ReadOnlyInline):
    model = models.ImpliedRole
    fk_name = "prior"
    fields = ("implied",)


class EndpointInline(ReadOnlyInline):
    model = models.Endpoint
    fields = ("interface", "region", "url", "enabled")


@admin.register(models.User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("name", "domain", "enabled", "email", "is_staff", "is_superuser", "last_login", "created_at", "id")
    list_filter = ("enabled", "is_staff", "is_superuser", "domain")
    search_fields = ("name", "id", "email")
    list_select_related = ("domain",)
    exclude = ("password",)
    inlines = (AssignmentInline, MembershipInline)


@admin.register(models.Group)
class GroupAdmin(ReadOnlyAdmin):
    list_display = ("name", "domain", "description", "id")
    list_filter = ("domain",)
    search_fields = ("name", "id")
    list_select_related = ("domain",)
    inlines = (MembershipInline, AssignmentInline)


@admin.register(models.Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ("name", "domain", "parent", "enabled", "description", "created_at", "id")
    list_filter = ("enabled", "domain")
    search_fields = ("name", "id", "description")
    list_select_related = ("domain", "parent")
    inlines = (ProjectAssignmentInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(is_domain=False)


@admin.register(models.Domain)
class DomainAdmin(ReadOnlyAdmin):
    list_display = ("name", "enabled", "description", "created_at", "id")
    list_filter = ("enabled",)
    search_fields = ("name", "id")
    exclude = ("domain", "parent", "is_domain")
    inlines = (DomainAssignmentInline,)


@admin.register(models.Role)
class RoleAdmin(ReadOnlyAdmin):
    list_display = ("name", "domain", "description", "id")
    list_filter = ("domain",)
    search_fields = ("name", "id")
    list_select_related = ("domain",)
    inlines = (ImpliedRoleInline,)


@admin.register(models.RoleAssignment)
class RoleAssignmentAdmin(ReadOnlyAdmin):
    list_display = ("role", "user", "group", "project", "domain", "system", "inherited")
    list_filter = ("role", "system", "inherited")
    search_fields = ("user__name", "group__name", "project__name", "domain__name", "role__name")
    list_select_related = ("role", "user", "group", "project", "domain")


@admin.register(models.Region)
class RegionAdmin(ReadOnlyAdmin):
    list_display = ("id", "parent", "description")
    search_fields = ("id", "description")
    list_select_related = ("parent",)


@admin.register(models.Service)
class ServiceAdmin(ReadOnlyAdmin):
    list_display = ("type", "name", "enabled", "description", "id")
    list_filter = ("enabled", "type")
    search_fields = ("type", "name", "id")
    inlines = (EndpointInline,)


@admin.register(models.Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    list_display = ("service", "interface", "region", "url", "enabled")
    list_filter = ("interface", "region", "enabled", "service")
    search_fields = ("url", "id")
    list_select_related = ("service", "region")


@admin.register(models.Revocation)
class RevocationAdmin(ReadOnlyAdmin):
    list_display = ("audit_id", "user_id", "revoked_at", "expires_at")
    search_fields = ("audit_id", "user_id")


@admin.register(models.ApplicationCredential)
class ApplicationCredentialAdmin(ReadOnlyAdmin):
    list_display = ("name", "user", "project", "unrestricted", "expires_at", "created_at", "id")
    list_filter = ("unrestricted",)
    search_fields = ("name", "id", "user__name", "project__name")
    list_select_related = ("user", "project")
    exclude = ("secret",)


@admin.register(models.Trust)
class TrustAdmin(ReadOnlyAdmin):
    list_display = ("id", "trustor", "trustee", "project", "impersonation", "expires_at", "remaining_uses")
    list_filter = ("impersonation",)
    search_fields = ("id", "trustor__name", "trustee__name", "project__name")
    list_select_related = ("trustor", "trustee", "project")


@admin.register(models.Credential)
class CredentialAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "user", "project", "created_at")
    list_filter = ("type",)
    search_fields = ("id", "user__name", "project__name")
    list_select_related = ("user", "project")
    exclude = ("blob",)


@admin.register(models.RegisteredLimit)
class RegisteredLimitAdmin(ReadOnlyAdmin):
    list_display = ("resource_name", "service", "region", "default_limit")
    search_fields = ("resource_name", "service__type")
    list_select_related = ("service", "region")


@admin.register(models.Limit)
class LimitAdmin(ReadOnlyAdmin):
    list_display = ("registered_limit", "project", "domain", "resource_limit")
    search_fields = ("registered_limit__resource_name", "project__name", "domain__name")
    list_select_related = ("registered_limit", "project", "domain")
