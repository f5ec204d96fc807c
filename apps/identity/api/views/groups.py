"""``/v3/groups`` and who belongs to them."""

from typing import Any

from django.db.models import QuerySet

from apps.identity.api.documents import groups as documents
from apps.identity.api.documents import users as user_documents
from apps.identity.api.documents.base import linked
from apps.identity.api.serializers import groups as serializers
from apps.identity.api.views import targets
from apps.identity.api.views.base import (
    CollectionOfDomain,
    IdentityView,
    Item,
    Noun,
    Response,
    target_of_group,
    target_of_user,
)
from apps.identity.exceptions import NotFound
from apps.identity.models import Group
from apps.identity.selectors import groups as selectors
from apps.identity.selectors import users
from apps.identity.services import groups


class _Groups(Noun):
    noun, plural = "group", "groups"

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class GroupsView(_Groups, CollectionOfDomain):
    request_serializers = {"post": serializers.GroupSerializer}
    examples = {"POST": {"group": {"name": "", "domain_id": "default", "description": ""}}}

    def rows(self) -> QuerySet[Group]:
        return self.within_own_domain(selectors.listed(self.request.query_params.dict()))

    def values(self, request: Any) -> dict[str, Any]:
        values = self.parse(request, "group")
        values["domain_id"] = values.get("domain_id") or self.own_domain_id
        self.authorize("create_group", {"target.group.domain_id": values["domain_id"]})
        return values

    def make(self, values: dict[str, Any]) -> Group:
        return groups.create(values=values, default_domain_id=values["domain_id"])


class GroupView(_Groups, Item):
    request_serializers = {"patch": serializers.GroupUpdateSerializer}

    def target(self, key: str, *, written: bool) -> dict[str, Any]:
        return (targets.of_written_group if written else target_of_group)(selectors.find(key))

    def load(self, key: str) -> Group:
        return selectors.get(key)

    def change(self, key: str, changes: dict[str, Any]) -> Group:
        return groups.update(group_id=key, changes=changes)

    def remove(self, key: str) -> None:
        groups.delete(group_id=key)


class GroupUsersView(IdentityView):
    def get(self, request: Any, group_id: str) -> Response:
        self.authorize("list_users_in_group", target_of_group(selectors.find(group_id)))
        query = request.query_params
        rows = users.in_group(selectors.get(group_id).pk, query.dict(), expiries=query.getlist("password_expires_at"))
        rows = self.within_own_domain(rows)
        return Response(self.listed("users", rows, lambda row: linked(request, "users", user_documents.render(row))))


class GroupUserView(IdentityView):
    """HEAD and GET: 204 or 404. PUT and DELETE: 204."""

    def _authorize(self, rule: str, group_id: str, user_id: str) -> None:
        of_group = targets.of_group if rule == "check_user_in_group" else targets.of_written_group
        self.authorize(rule, {**of_group(selectors.find(group_id)), **target_of_user(users.find(user_id))})

    def get(self, request: Any, group_id: str, user_id: str) -> Response:
        self._authorize("check_user_in_group", group_id, user_id)
        if not selectors.has(group_id=group_id, user_id=user_id):
            raise NotFound(noun="user in group", id=user_id[:64])
        return Response(status=204)

    def put(self, request: Any, group_id: str, user_id: str) -> Response:
        self._authorize("add_user_to_group", group_id, user_id)
        groups.add_user(group_id=group_id, user_id=user_id)
        return Response(status=204)

    def delete(self, request: Any, group_id: str, user_id: str) -> Response:
        self._authorize("remove_user_from_group", group_id, user_id)
        groups.remove_user(group_id=group_id, user_id=user_id)
        return Response(status=204)
