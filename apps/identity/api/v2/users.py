"""``/v2.0/users`` of the default domain, and OS-KSCRUD: changing one's own password."""

from typing import Any

from apps.common import addresses
from apps.common.api.views import Response
from apps.identity.api.v2 import documents, tokens
from apps.identity.api.v2.base import V2View
from apps.identity.api.v2.serializers import OwnPasswordSerializer, UserSerializer, user_values
from apps.identity.api.v2.tenants import the_tenant
from apps.identity.api.views import targets
from apps.identity.api.views.base import target_of_user, target_of_written_user
from apps.identity.exceptions import Forbidden, Invalid, NotFound
from apps.identity.models import User
from apps.identity.selectors import users as selectors
from apps.identity.services import authentication, tenancies, users
from apps.identity.services.authentication import AuthRequest, Name
from apps.identity.states import DEFAULT_DOMAIN_ID, Scope

# Every user of v2.0 is of the default domain.
V2_ACTOR = {"target.actor.domain_id": DEFAULT_DOMAIN_ID, "target.user.domain_id": DEFAULT_DOMAIN_ID}


def the_user(user_id: str) -> User:
    """Return a user of the default domain. Raises NotFound."""
    user = selectors.find(user_id)
    if user is None or user.domain_id != DEFAULT_DOMAIN_ID:
        raise NotFound(noun="user", id=user_id[:64])
    return user


class WithTenantView(V2View):
    def _check_tenant(self, values: dict[str, Any]) -> None:
        """Check that the caller may make the user a member of the tenant that it names. Raises NotFound."""
        if values.get("default_project_id"):
            tenant, member = the_tenant(values["default_project_id"]), tenancies.member()
            subject = {**targets.of_grant(actor=None, target=tenant, role=member), **V2_ACTOR}
            self.authorize("create_grant", subject)


class UsersView(WithTenantView):
    request_serializers = {"post": UserSerializer}

    def get(self, request: Any) -> Response:
        self.authorize("list_users", {"target.domain_id": DEFAULT_DOMAIN_ID})
        rows = selectors.listed({"domain_id": DEFAULT_DOMAIN_ID})
        name = request.query_params.get("name")
        if name is not None:
            user = rows.filter(name=name).first()
            if user is None:
                raise NotFound(noun="user", id=name[:64])
            return Response({"user": documents.render_user(user)})
        return Response(self.listed("users", rows, documents.render_user))

    def post(self, request: Any) -> Response:
        subject = {"target.user.domain_id": DEFAULT_DOMAIN_ID, "target.user.is_privileged": False}
        self.authorize("create_user", subject)
        values = user_values(self.parse(request, "user"))
        if "name" not in values:
            raise Invalid(field="user", reason="it must have a name")
        self._check_tenant(values)
        user = tenancies.create_user(values=values, default_domain_id=DEFAULT_DOMAIN_ID)
        return Response({"user": documents.render_user(user)})


class UserView(WithTenantView):
    request_serializers = {"put": UserSerializer}

    def get(self, request: Any, user_id: str) -> Response:
        self.authorize("get_user", target_of_user(selectors.find(user_id)))
        return Response({"user": documents.render_user(the_user(user_id))})

    def put(self, request: Any, user_id: str) -> Response:
        """Change a user; also at …/enabled and …/OS-KSADM/password, whose bodies hold one attribute."""
        self.authorize("update_user", target_of_written_user(selectors.find(user_id)))
        changes = user_values(self.parse(request, "user"))
        self._check_tenant(changes)
        return Response(
            {"user": documents.render_user(tenancies.update_user(user_id=the_user(user_id).pk, changes=changes))}
        )

    def delete(self, request: Any, user_id: str) -> Response:
        self.authorize("delete_user", target_of_written_user(selectors.find(user_id)))
        users.delete(user_id=the_user(user_id).pk)
        return Response(status=204)


class UserPartView(UserView):
    http_method_names = ["put", "options"]


class OwnUserView(V2View):
    """OS-KSCRUD: who knows its old password sets a new one, and gets a token for it."""

    request_serializers = {"patch": OwnPasswordSerializer}

    def patch(self, request: Any, user_id: str) -> Response:
        self.authorize("get_user", target_of_user(selectors.find(user_id)))
        if user_id != self.caller.user_id or self.caller.is_delegated:
            raise Forbidden
        the_user(user_id)
        values, address = self.parse(request, "user"), addresses.of(request)
        users.change_password(
            user_id=user_id, original=values["original_password"], password=values["password"], address=address
        )
        project_id = self.caller.project_id if self.caller.project_domain_id == DEFAULT_DOMAIN_ID else None
        text, token = authentication.sign_in(
            AuthRequest(
                methods=("password",),
                user=Name(id=user_id),
                password=values["password"],
                scope=Scope.PROJECT if project_id else Scope.UNSCOPED,
                target=Name(id=project_id) if project_id else None,
                remote_address=address,
            ),
            domain_id=DEFAULT_DOMAIN_ID,
        )
        return tokens.answer(text, token)
