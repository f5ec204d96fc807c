"""Public keys of users."""

from django.contrib import admin

from apps.common.admin import ReadOnlyAdmin, filters
from apps.compute.models import KeyPair


@admin.register(KeyPair)
class KeyPairAdmin(ReadOnlyAdmin):
    list_display = ("name", "type", "fingerprint", "user_id", "created_at")
    list_filter = (filters.text("type"), filters.text("user_id", "user's id"))
    search_fields = ("name", "fingerprint", "user_id")
