"""``/v3/groups`` and who belongs to them."""

from typing import Any

from apps.identity.api.documents import groups as documents
from apps.identity.api.documents import users as user_documents
from apps.identity.api.documents.base import many, one
from apps.identity.api.serializers import groups as serializers
from apps.identity.api.views import targets
from apps.identity.api.views.base import IdentityView, Response, target_of_group, target_of_user
from apps.identity.exceptions import NotFound
from apps.identity.selectors import groups as selectors
from apps.identity.selectors import users
from apps.identity.services import groups


class GroupsView(IdentityView):
    request_serializers = {"post": serializers.GroupSerializer}
    examples = {"POST": {"group": {"name": "", "domain_id": "default", "description": ""}}}

    def get(self, request: Any) -> Response:
        rows = self.within_own_domain(selectors.listed(self.authorize_list(request, "list_groups")))
        return Response(many(request, "groups", rows, lambda row: one(request, "groups", documents.render(row))))

    def post(self, request: Any) -> Response:
        values = self.parse(request, "group")
        domain_id = values.get("domain_id") or self.own_domain_id
        self.authorize("create_group", {"target.group.domain_id": domain_id})
        group = groups.create(values=values, default_domain_id=domain_id)
        return Response({"group": one(request, "groups", documents.render(group))}, status=201)


class GroupView(IdentityView):
    request_serializers = {"patch": serializers.GroupUpdateSerializer}

    def get(self, request: Any, group_id: str) -> Response:
        self.authorize("get_group", target_of_group(selectors.find(group_id)))
        return Response({"group": one(request, "groups", documents.render(selectors.get(group_id)))})

    def patch(self, request: Any, group_id: str) -> Response:
        self.authorize("update_group", targets.of_written_group(selectors.find(group_id)))
        group = groups.update(group_id=group_id, changes=self.parse(request, "group"))
        return Response({"group": one(request, "groups", documents.render(group))})

    def delete(self, request: Any, group_id: str) -> Response:
        self.authorize("delete_group", targets.of_written_group(selectors.find(group_id)))
        groups.delete(group_id=group_id)
        return Response(status=204)


class GroupUsersView(IdentityView):
    def get(self, request: Any, group_id: str) -> Response:
        self.authorize("list_users_in_group", target_of_group(selectors.find(group_id)))
        query = request.query_params
        rows = users.in_group(selectors.get(group_id).pk, query.dict(), expiries=query.getlist("password_expires_at"))
        rows = self.within_own_domain(rows)
        return Response(many(request, "users", rows, lambda row: one(request, "users", user_documents.render(row))))


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
