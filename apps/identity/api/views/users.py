"""``/v3/users``, their password, projects and groups."""

from typing import Any

from apps.common import addresses
from apps.common.exceptions import BadRequest, Unauthorized
from apps.identity.api.documents import groups as group_documents
from apps.identity.api.documents import projects as project_documents
from apps.identity.api.documents import users as documents
from apps.identity.api.documents.base import many, one
from apps.identity.api.serializers import users as serializers
from apps.identity.api.views.base import IdentityView, Response, target_of_user, target_of_written_user
from apps.identity.selectors import filters, groups, projects
from apps.identity.selectors import users as selectors
from apps.identity.services import users


class UsersView(IdentityView):
    request_serializers = {"post": serializers.UserSerializer}
    examples = {"POST": {"user": {"name": "", "domain_id": "default", "password": ""}}}

    def get(self, request: Any) -> Response:
        params = self.authorize_list(request, "list_users")
        rows = selectors.listed(params, expiries=request.query_params.getlist("password_expires_at"))
        rows = self.within_own_domain(rows)
        return Response(many(request, "users", rows, lambda row: one(request, "users", documents.render(row))))

    def post(self, request: Any) -> Response:
        values = self.parse(request, "user")
        domain_id = values.get("domain_id") or self.own_domain_id
        self.authorize("create_user", {"target.user.domain_id": domain_id, "target.user.is_privileged": False})
        user = users.create(values=values, default_domain_id=domain_id)
        return Response({"user": one(request, "users", documents.render(user))}, status=201)


class UserView(IdentityView):
    request_serializers = {"patch": serializers.UserUpdateSerializer}

    def get(self, request: Any, user_id: str) -> Response:
        self.authorize("get_user", target_of_user(selectors.find(user_id)))
        return Response({"user": one(request, "users", documents.render(selectors.get(user_id)))})

    def patch(self, request: Any, user_id: str) -> Response:
        self.authorize("update_user", target_of_written_user(selectors.find(user_id)))
        user = users.update(user_id=user_id, changes=self.parse(request, "user"))
        return Response({"user": one(request, "users", documents.render(user))})

    def delete(self, request: Any, user_id: str) -> Response:
        self.authorize("delete_user", target_of_written_user(selectors.find(user_id)))
        users.delete(user_id=user_id)
        return Response(status=204)


class UserPasswordView(IdentityView):
    """Whoever knows the old password may set a new one: a token is not needed, for an expired password gives none."""

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
            many(request, "projects", rows, lambda row: one(request, "projects", project_documents.render(row)))
        )


class UserGroupsView(IdentityView):
    def get(self, request: Any, user_id: str) -> Response:
        self.authorize("list_groups_for_user", target_of_user(selectors.find(user_id)))
        rows = self.within_own_domain(groups.of_user(selectors.get(user_id).pk, request.query_params.dict()))
        return Response(many(request, "groups", rows, lambda row: one(request, "groups", group_documents.render(row))))
