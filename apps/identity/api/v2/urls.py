"""Routes of identity v2.0, for clients that know nothing newer."""

from typing import Any

from django.urls import URLPattern, path

from apps.identity.api.v2 import catalog, tenants, tokens, users
from apps.identity.api.views import credentials

PUBLIC, ADMIN = "identity/v2.0", "identity/admin/v2.0"


def _routes(base: str, **options: Any) -> list[URLPattern]:
    """Return the routes below ``base``. ``options`` go to every view."""
    roles = "tenants/<str:tenant_id>/users/<str:user_id>/roles"
    of_user = "users/<str:user_id>"
    table: list[tuple[str, Any, dict[str, Any]]] = [
        ("", catalog.VersionView, {}),
        ("extensions", catalog.ExtensionsView, {}),
        ("tokens", tokens.TokensView, {}),
        ("tokens/<str:token_id>", tokens.TokenView, {}),
        ("tokens/<str:token_id>/endpoints", tokens.TokenEndpointsView, {}),
        ("tenants", tenants.TenantsView, {"for_administrators": base == ADMIN}),
        ("tenants/<str:tenant_id>", tenants.TenantView, {}),
        ("tenants/<str:tenant_id>/users", tenants.TenantUsersView, {}),
        (roles, tenants.TenantUserRolesView, {}),
        (f"{roles}/OS-KSADM/<str:role_id>", tenants.TenantUserRoleView, {}),
        ("users", users.UsersView, {}),
        (of_user, users.UserView, {}),
        (f"{of_user}/enabled", users.UserPartView, {}),
        (f"{of_user}/OS-KSADM/enabled", users.UserPartView, {}),
        (f"{of_user}/OS-KSADM/password", users.UserPartView, {}),
        ("OS-KSCRUD/users/<str:user_id>", users.OwnUserView, {}),
        (f"{of_user}/credentials/OS-EC2", credentials.EC2CredentialsView, {"created": 200}),
        (f"{of_user}/credentials/OS-EC2/<str:access>", credentials.EC2CredentialView, {}),
        ("OS-KSADM/roles", catalog.RolesView, {}),
        ("OS-KSADM/roles/<str:role_id>", catalog.RoleView, {}),
        ("OS-KSADM/services", catalog.ServicesView, {}),
        ("OS-KSADM/services/<str:service_id>", catalog.ServiceItemView, {}),
        ("endpoints", catalog.EndpointsView, {}),
        ("endpoints/<str:endpoint_id>", catalog.EndpointView, {}),
    ]
    return [path(f"{base}/{rest}".rstrip("/"), view.as_view(**own, **options)) for rest, view, own in table]


# The API reference describes the public ones.
V2_ROUTES: list[URLPattern] = [*_routes(PUBLIC), *_routes(ADMIN, schema=None)]
