"""Security groups."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.networking.api import filters, permissions
from apps.networking.api.documents import security_groups as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import security_groups as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import SecurityGroupNotFound
from apps.networking.selectors import security_groups as selectors
from apps.networking.services import security_groups


class _SecurityGroups(Noun):
    noun, plural, collection = "security_group", "security_groups", "security-groups"
    not_found = SecurityGroupNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class SecurityGroups(_SecurityGroups, Collection):
    """List and create."""

    request_serializers = {"post": serializers.SecurityGroupCreate}
    filters = filters.SECURITY_GROUPS
    listing = LISTING.sorted_by("stateful")
    examples = {"POST": {"security_group": {"name": "web"}}}

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def rows(self) -> QuerySet[Any]:
        if self.caller.project_id:
            security_groups.ensure_default(project_id=self.caller.project_id)
        return super().rows()

    def make(self, values: dict[str, Any]) -> Any:
        permissions.check_create(self.caller, self.noun, values)
        return security_groups.create(context=self.caller, values=values)


class SecurityGroupItem(_SecurityGroups, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.SecurityGroupUpdate}
    examples = {"PUT": {"security_group": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, group_id=item_id)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return security_groups.update(context=self.caller, group=row, values=values)

    def remove(self, row: Any) -> None:
        security_groups.delete(context=self.caller, group=row)
