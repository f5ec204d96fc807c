"""Tables within the pages of users, groups, projects and domains."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common.admin import ReadOnlyInline, cells
from apps.identity import models


class MembershipInline(ReadOnlyInline):
    model = models.GroupMembership
    fields = ("user", "group")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user", "group")


class AssignmentInline(ReadOnlyInline):
    model = models.RoleAssignment
    fields = ("user", "group", "assigned", "project", "domain", "system", "inherited")
    readonly_fields = ("assigned",)

    @display(description="role")
    def assigned(self, row: models.RoleAssignment) -> SafeString:
        """The link to the assignment's page, where it can be removed."""
        return cells.link("identity_roleassignment", row.pk, row.role.name)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user", "group", "role", "project", "domain")


class DomainAssignmentInline(AssignmentInline):
    fk_name = "domain"


class ProjectAssignmentInline(AssignmentInline):
    fk_name = "project"


class ImpliedRoleInline(ReadOnlyInline):
    model = models.ImpliedRole
    fk_name = "prior"
    fields = ("implied",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("implied")


class EndpointInline(ReadOnlyInline):
    model = models.Endpoint
    fields = ("interface", "region", "url", "enabled")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region")
