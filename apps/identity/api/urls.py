"""Routes of identity: full paths from the root, written without a trailing slash."""

from django.urls import URLPattern, URLResolver, include, path

from apps.identity.api import openapi  # noqa: F401 - tells the API reference how callers sign in
from apps.identity.api.v2.urls import V2_ROUTES
from apps.identity.api.views import (
    application_credentials,
    credentials,
    domain_options,
    domains,
    endpoint_groups,
    endpoints,
    groups,
    limits,
    policies,
    policy_associations,
    projects,
    regions,
    role_assignments,
    roles,
    scopes,
    services,
    tokens,
    trusts,
    users,
    versions,
)

V3 = "identity/v3"


def _grants() -> list[URLPattern]:
    """Return the routes of grants: two kinds of actor on three kinds of target, and the inherited ones."""
    routes = []
    for actor in ("user", "group"):
        own = f"{actor}s/<str:actor_id>/roles"
        for target in ("project", "domain"):
            place = f"{target}s/<str:target_id>/{own}"
            kinds = {"actor": actor, "target": target}
            low = f"{V3}/OS-INHERIT/{place}"
            routes += [
                path(f"{V3}/{place}", role_assignments.GrantsView.as_view(**kinds)),
                path(f"{V3}/{place}/<str:role_id>", role_assignments.GrantRoleView.as_view(**kinds)),
                path(
                    f"{low}/inherited_to_projects",
                    role_assignments.GrantsView.as_view(**kinds, inherited=True),
                ),
                path(
                    f"{low}/<str:role_id>/inherited_to_projects",
                    role_assignments.GrantRoleView.as_view(**kinds, inherited=True),
                ),
            ]
        kinds = {"actor": actor, "target": "system"}
        routes += [
            path(f"{V3}/system/{own}", role_assignments.GrantsView.as_view(**kinds)),
            path(f"{V3}/system/{own}/<str:role_id>", role_assignments.GrantRoleView.as_view(**kinds)),
        ]
    return routes


_USER = f"{V3}/users/<str:user_id>"
_TRUSTS = f"{V3}/OS-TRUST/trusts"
# Delegations, and data that services store here.
DELEGATION_ROUTES = [
    path(f"{_USER}/application_credentials", application_credentials.ApplicationCredentialsView.as_view()),
    path(
        f"{_USER}/application_credentials/<str:credential_id>",
        application_credentials.ApplicationCredentialView.as_view(),
    ),
    path(f"{_USER}/access_rules", application_credentials.AccessRulesView.as_view()),
    path(f"{_USER}/access_rules/<str:rule_id>", application_credentials.AccessRuleView.as_view()),
    path(f"{_USER}/credentials/OS-EC2", credentials.EC2CredentialsView.as_view()),
    path(f"{_USER}/credentials/OS-EC2/<str:access>", credentials.EC2CredentialView.as_view()),
    path(f"{V3}/credentials", credentials.CredentialsView.as_view()),
    path(f"{V3}/credentials/<str:credential_id>", credentials.CredentialView.as_view()),
    path(f"{V3}/ec2tokens", credentials.EC2TokensView.as_view()),
    path(_TRUSTS, trusts.TrustsView.as_view()),
    path(f"{_TRUSTS}/<str:trust_id>", trusts.TrustView.as_view()),
    path(f"{_TRUSTS}/<str:trust_id>/roles", trusts.TrustRolesView.as_view()),
    path(f"{_TRUSTS}/<str:trust_id>/roles/<str:role_id>", trusts.TrustRoleView.as_view()),
    path(f"{V3}/policies", policies.PoliciesView.as_view()),
    path(f"{V3}/policies/<str:policy_id>", policies.PolicyView.as_view()),
    path(f"{V3}/registered_limits", limits.RegisteredLimitsView.as_view()),
    path(f"{V3}/registered_limits/<str:limit_id>", limits.RegisteredLimitView.as_view()),
    path(f"{V3}/limits", limits.LimitsView.as_view()),
    path(f"{V3}/limits/model", limits.LimitModelView.as_view()),
    path(f"{V3}/limits/<str:limit_id>", limits.LimitView.as_view()),
]

_FILTER = f"{V3}/OS-EP-FILTER"
_GROUP = f"{_FILTER}/endpoint_groups/<str:endpoint_group_id>"
_PROJECT = f"{_FILTER}/projects/<str:project_id>"
_POLICY = f"{V3}/policies/<str:policy_id>/OS-ENDPOINT-POLICY"
_OF_SERVICE = f"{_POLICY}/services/<str:service_id>"
_CONFIG = f"{V3}/domains/<str:domain_id>/config"
_DEFAULT = f"{V3}/domains/config"
# Keystone's extensions: endpoint filters, associations of policies, options of domains.
EXTENSION_ROUTES = [
    path(f"{_FILTER}/endpoint_groups", endpoint_groups.EndpointGroupsView.as_view()),
    path(_GROUP, endpoint_groups.EndpointGroupView.as_view()),
    path(f"{_GROUP}/endpoints", endpoint_groups.EndpointGroupEndpointsView.as_view()),
    path(f"{_GROUP}/projects", endpoint_groups.EndpointGroupProjectsView.as_view()),
    path(f"{_GROUP}/projects/<str:project_id>", endpoint_groups.EndpointGroupProjectView.as_view()),
    path(f"{_FILTER}/endpoints/<str:endpoint_id>/projects", endpoint_groups.EndpointProjectsView.as_view()),
    path(f"{_PROJECT}/endpoint_groups", endpoint_groups.ProjectEndpointGroupsView.as_view()),
    path(f"{_PROJECT}/endpoints", endpoint_groups.ProjectEndpointsView.as_view()),
    path(f"{_PROJECT}/endpoints/<str:endpoint_id>", endpoint_groups.ProjectEndpointView.as_view()),
    path(
        f"{V3}/endpoints/<str:endpoint_id>/OS-ENDPOINT-POLICY/policy", policy_associations.EndpointPolicyView.as_view()
    ),
    path(f"{_POLICY}/endpoints", policy_associations.PolicyEndpointsView.as_view()),
    path(f"{_POLICY}/endpoints/<str:endpoint_id>", policy_associations.PolicyAssociationView.as_view()),
    path(_OF_SERVICE, policy_associations.PolicyAssociationView.as_view(kind="service")),
    path(
        f"{_OF_SERVICE}/regions/<str:region_id>",
        policy_associations.PolicyAssociationView.as_view(kind="region_and_service"),
    ),
    path(f"{_DEFAULT}/default", domain_options.DefaultConfigView.as_view()),
    path(f"{_DEFAULT}/<str:group>/default", domain_options.DefaultConfigView.as_view()),
    path(f"{_DEFAULT}/<str:group>/<str:option>/default", domain_options.DefaultConfigView.as_view()),
    path(_CONFIG, domain_options.DomainConfigView.as_view()),
    path(f"{_CONFIG}/<str:group>", domain_options.DomainConfigPartView.as_view()),
    path(f"{_CONFIG}/<str:group>/<str:option>", domain_options.DomainConfigPartView.as_view()),
]

urlpatterns: list[URLPattern | URLResolver] = [
    # Where people sign in for the browsable API; staff may use the admin's page as well.
    path("sign-in/", include("rest_framework.urls")),
    path("identity", versions.VersionsView.as_view()),
    path(V3, versions.VersionView.as_view()),
    path(f"{V3}/auth/tokens", tokens.TokensView.as_view()),
    path(f"{V3}/auth/catalog", scopes.AuthCatalogView.as_view()),
    path(f"{V3}/auth/projects", scopes.AuthProjectsView.as_view()),
    path(f"{V3}/auth/domains", scopes.AuthDomainsView.as_view()),
    path(f"{V3}/auth/system", scopes.AuthSystemView.as_view()),
    path(f"{V3}/domains", domains.DomainsView.as_view()),
    path(f"{V3}/domains/<str:domain_id>", domains.DomainView.as_view()),
    path(f"{V3}/projects", projects.ProjectsView.as_view()),
    path(f"{V3}/projects/<str:project_id>", projects.ProjectView.as_view()),
    path(f"{V3}/projects/<str:project_id>/tags", projects.ProjectTagsView.as_view()),
    path(f"{V3}/projects/<str:project_id>/tags/<str:tag>", projects.ProjectTagView.as_view()),
    path(f"{V3}/users", users.UsersView.as_view()),
    path(f"{V3}/users/<str:user_id>", users.UserView.as_view()),
    path(f"{V3}/users/<str:user_id>/password", users.UserPasswordView.as_view()),
    path(f"{V3}/users/<str:user_id>/projects", users.UserProjectsView.as_view()),
    path(f"{V3}/users/<str:user_id>/groups", users.UserGroupsView.as_view()),
    path(f"{V3}/groups", groups.GroupsView.as_view()),
    path(f"{V3}/groups/<str:group_id>", groups.GroupView.as_view()),
    path(f"{V3}/groups/<str:group_id>/users", groups.GroupUsersView.as_view()),
    path(f"{V3}/groups/<str:group_id>/users/<str:user_id>", groups.GroupUserView.as_view()),
    path(f"{V3}/roles", roles.RolesView.as_view()),
    path(f"{V3}/roles/<str:role_id>", roles.RoleView.as_view()),
    path(f"{V3}/roles/<str:role_id>/implies", roles.ImpliedRolesView.as_view()),
    path(f"{V3}/roles/<str:role_id>/implies/<str:implied_role_id>", roles.ImpliedRoleView.as_view()),
    path(f"{V3}/role_inferences", roles.RoleInferencesView.as_view()),
    path(f"{V3}/role_assignments", role_assignments.RoleAssignmentsView.as_view()),
    *_grants(),
    path(f"{V3}/regions", regions.RegionsView.as_view()),
    path(f"{V3}/regions/<str:region_id>", regions.RegionView.as_view()),
    path(f"{V3}/services", services.ServicesView.as_view()),
    path(f"{V3}/services/<str:service_id>", services.ServiceView.as_view()),
    path(f"{V3}/endpoints", endpoints.EndpointsView.as_view()),
    path(f"{V3}/endpoints/<str:endpoint_id>", endpoints.EndpointView.as_view()),
    *DELEGATION_ROUTES,
    *EXTENSION_ROUTES,
    *V2_ROUTES,
]
