"""Delegations and credentials: application credentials, trusts, credentials, revocations. Secrets are not shown."""

from django.contrib import admin

from apps.common.admin import ReadOnlyAdmin, filters
from apps.identity import models


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
    list_filter = (filters.text("type"),)
    search_fields = ("id", "user__name", "project__name")
    list_select_related = ("user", "project")
    exclude = ("blob",)
