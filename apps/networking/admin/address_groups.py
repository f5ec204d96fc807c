"""Address groups: read-only; their owners change them."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from apps.common.admin import Page, panels
from apps.networking.models import AddressGroup


@admin.register(AddressGroup)
class AddressGroupAdmin(Page):
    list_display = ("name", "size", "shared", "project_id", "created_at", "id")
    list_filter = ("shared",)
    search_fields = ("name", "id", "project_id")

    def panels(self, request: HttpRequest, row: AddressGroup) -> list[panels.Panel]:
        page = "admin:networking_securitygroup_change"
        groups = {rule.security_group for rule in row.rules.select_related("security_group")[:200]}
        naming = [[{"text": str(group), "href": reverse(page, args=[group.pk])}] for group in groups]
        addresses = [[address] for address in row.addresses]
        return [
            panels.table("Addresses", ["range"], addresses),
            panels.table("Security groups whose rules name it", ["name"], naming),
            *super().panels(request, row),
        ]

    @display(description="ranges")
    def size(self, group: AddressGroup) -> int:
        return len(group.addresses)
