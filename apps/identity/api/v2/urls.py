"""Routes of identity v2.0, for clients that know nothing newer."""

from django.urls import URLPattern, path

from apps.identity.api.v2 import catalog, tenants, tokens, users
from apps.identity.api.views import credentials

V2 = "identity/v2.0"
_ROLES = f"{V2}/tenants/<str:tenant_id>/users/<str:user_id>/roles"
_USER = f"{V2}/users/<str:user_id>"

V2_ROUTES: list[URLPattern] = [
    path(V2, catalog.VersionView.as_view()),
    path(f"{V2}/extensions", catalog.ExtensionsView.as_view()),
    path(f"{V2}/tokens", tokens.TokensView.as_view()),
    path(f"{V2}/tokens/<str:token_id>", tokens.TokenView.as_view()),
    path(f"{V2}/tokens/<str:token_id>/endpoints", tokens.TokenEndpointsView.as_view()),
    path(f"{V2}/tenants", tenants.TenantsView.as_view()),
    path(f"{V2}/tenants/<str:tenant_id>", tenants.TenantView.as_view()),
    path(f"{V2}/tenants/<str:tenant_id>/users", tenants.TenantUsersView.as_view()),
    path(_ROLES, tenants.TenantUserRolesView.as_view()),
    path(f"{_ROLES}/OS-KSADM/<str:role_id>", tenants.TenantUserRoleView.as_view()),
    path(f"{V2}/users", users.UsersView.as_view()),
    path(_USER, users.UserView.as_view()),
    path(f"{_USER}/enabled", users.UserPartView.as_view()),
    path(f"{_USER}/OS-KSADM/enabled", users.UserPartView.as_view()),
    path(f"{_USER}/OS-KSADM/password", users.UserPartView.as_view()),
    path(f"{V2}/OS-KSCRUD/users/<str:user_id>", users.OwnUserView.as_view()),
    path(f"{_USER}/credentials/OS-EC2", credentials.EC2CredentialsView.as_view(created=200)),
    path(f"{_USER}/credentials/OS-EC2/<str:access>", credentials.EC2CredentialView.as_view()),
    path(f"{V2}/OS-KSADM/roles", catalog.RolesView.as_view()),
    path(f"{V2}/OS-KSADM/roles/<str:role_id>", catalog.RoleView.as_view()),
    path(f"{V2}/OS-KSADM/services", catalog.ServicesView.as_view()),
    path(f"{V2}/OS-KSADM/services/<str:service_id>", catalog.ServiceItemView.as_view()),
    path(f"{V2}/endpoints", catalog.EndpointsView.as_view()),
    path(f"{V2}/endpoints/<str:endpoint_id>", catalog.EndpointView.as_view()),
]
