"""Tables within the pages of users, groups, projects and domains."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.common.admin import ReadOnlyInline
from apps.identity import models


class MembershipInline(ReadOnlyInline):
    model = models.GroupMembership
    fields = ("user", "group")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user", "group")


class AssignmentInline(ReadOnlyInline):
    model = models.RoleAssignment
    show_change_link = True  # there it can be removed
    fields = ("user", "group", "role", "project", "domain", "system", "inherited")

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
