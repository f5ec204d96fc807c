"""``/v3/users``, their password, projects and groups."""

from typing import Any

from django.db.models import QuerySet

from apps.common import addresses
from apps.common.exceptions import BadRequest, Unauthorized
from apps.identity.api.documents import groups as group_documents
from apps.identity.api.documents import projects as project_documents
from apps.identity.api.documents import users as documents
from apps.identity.api.documents.base import linked
from apps.identity.api.serializers import users as serializers
from apps.identity.api.views.base import (
    CollectionOfDomain,
    IdentityView,
    Item,
    Noun,
    Response,
    target_of_user,
    target_of_written_user,
)
from apps.identity.models import User
from apps.identity.selectors import filters, groups, projects
from apps.identity.selectors import users as selectors
from apps.identity.services import users


class _Users(Noun):
    noun, plural = "user", "users"

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)


class UsersView(_Users, CollectionOfDomain):
    request_serializers = {"post": serializers.UserSerializer}
    examples = {"POST": {"user": {"name": "", "domain_id": "default", "password": ""}}}

    def rows(self) -> QuerySet[User]:
        params = self.request.query_params
        rows = selectors.listed(params.dict(), expiries=params.getlist("password_expires_at"))
        return self.within_own_domain(rows)

    def values(self, request: Any) -> dict[str, Any]:
        values = self.parse(request, "user")
        values["domain_id"] = values.get("domain_id") or self.own_domain_id
        target = {"target.user.domain_id": values["domain_id"], "target.user.is_privileged": False}
        self.authorize("create_user", target)
        return values

    def make(self, values: dict[str, Any]) -> User:
        return users.create(values=values, default_domain_id=values["domain_id"])


class UserView(_Users, Item):
    request_serializers = {"patch": serializers.UserUpdateSerializer}

    def target(self, key: str, *, written: bool) -> dict[str, Any]:
        return (target_of_written_user if written else target_of_user)(selectors.find(key))

    def load(self, key: str) -> User:
        return selectors.get(key)

    def change(self, key: str, changes: dict[str, Any]) -> User:
        return users.update(user_id=key, changes=changes)

    def remove(self, key: str) -> None:
        users.delete(user_id=key)


class UserPasswordView(IdentityView):
    """The old password is enough to set a new one. No token is needed, because an expired password gives none."""

    permission_classes = ()
    request_serializers = {"post": serializers.PasswordSerializer}

    def post(self, request: Any, user_id: str) -> Response:
        try:
            values = self.parse(request, "user")
        except BadRequest:
            if request.auth is None:
                raise Unauthorized from None
            raise
        users.change_password(
            user_id=user_id,
            original=values["original_password"],
            password=values["password"],
            address=addresses.of(request),
        )
        return Response(status=204)


class UserProjectsView(IdentityView):
    def get(self, request: Any, user_id: str) -> Response:
        self.authorize("list_user_projects", target_of_user(selectors.find(user_id)))
        rows = projects.of_user(user_id=selectors.get(user_id).pk, enabled_only=False)
        rows = filters.apply(rows, request.query_params.dict(), texts=("name", "domain_id"), booleans=("enabled",))
        return Response(
            self.listed("projects", rows, lambda row: linked(request, "projects", project_documents.render(row)))
        )


class UserGroupsView(IdentityView):
    def get(self, request: Any, user_id: str) -> Response:
        self.authorize("list_groups_for_user", target_of_user(selectors.find(user_id)))
        rows = self.within_own_domain(groups.of_user(selectors.get(user_id).pk, request.query_params.dict()))
        return Response(self.listed("groups", rows, lambda row: linked(request, "groups", group_documents.render(row))))
