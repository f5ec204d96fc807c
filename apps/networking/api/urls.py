"""Routes of the network service."""

from django.urls import URLPattern, URLResolver, path

from apps.common.api import not_offered
from apps.networking.api.routes_not_offered import NOT_OFFERED
from apps.networking.api.views import (
    address_scopes,
    floating_ips,
    networks,
    port_forwardings,
    ports,
    quotas,
    routers,
    security_group_rules,
    security_groups,
    subnetpools,
    subnets,
    tags,
    versions,
)

V2 = "network/v2.0"

urlpatterns: list[URLPattern | URLResolver] = [
    path("network", versions.Versions.as_view()),
    path(V2, versions.Resources.as_view()),
    path(f"{V2}/extensions", versions.Extensions.as_view()),
    path(f"{V2}/extensions/<str:alias>", versions.ExtensionItem.as_view()),
    path(f"{V2}/networks", networks.Networks.as_view()),
    path(f"{V2}/networks/<str:item_id>", networks.NetworkItem.as_view()),
    path(f"{V2}/subnets", subnets.Subnets.as_view()),
    path(f"{V2}/subnets/<str:item_id>", subnets.SubnetItem.as_view()),
    path(f"{V2}/subnetpools", subnetpools.SubnetPools.as_view()),
    path(f"{V2}/subnetpools/<str:item_id>", subnetpools.SubnetPoolItem.as_view()),
    path(f"{V2}/subnetpools/<str:item_id>/add_prefixes", subnetpools.AddPrefixes.as_view()),
    path(f"{V2}/subnetpools/<str:item_id>/remove_prefixes", subnetpools.RemovePrefixes.as_view()),
    path(f"{V2}/subnetpools/<str:item_id>/onboard_network_subnets", subnetpools.OnboardNetworkSubnets.as_view()),
    path(f"{V2}/address-scopes", address_scopes.AddressScopes.as_view()),
    path(f"{V2}/address-scopes/<str:item_id>", address_scopes.AddressScopeItem.as_view()),
    path(f"{V2}/ports", ports.Ports.as_view()),
    path(f"{V2}/ports/<str:item_id>", ports.PortItem.as_view()),
    path(f"{V2}/routers", routers.Routers.as_view()),
    path(f"{V2}/routers/<str:item_id>", routers.RouterItem.as_view()),
    path(f"{V2}/routers/<str:item_id>/add_router_interface", routers.AddRouterInterface.as_view()),
    path(f"{V2}/routers/<str:item_id>/remove_router_interface", routers.RemoveRouterInterface.as_view()),
    path(f"{V2}/routers/<str:item_id>/add_extraroutes", routers.AddExtraRoutes.as_view()),
    path(f"{V2}/routers/<str:item_id>/remove_extraroutes", routers.RemoveExtraRoutes.as_view()),
    path(f"{V2}/floatingips", floating_ips.FloatingIps.as_view()),
    path(f"{V2}/floatingips/<str:item_id>", floating_ips.FloatingIpItem.as_view()),
    path(f"{V2}/floatingips/<str:floatingip_id>/port_forwardings", port_forwardings.PortForwardings.as_view()),
    path(
        f"{V2}/floatingips/<str:floatingip_id>/port_forwardings/<str:item_id>",
        port_forwardings.PortForwardingItem.as_view(),
    ),
    path(f"{V2}/security-groups", security_groups.SecurityGroups.as_view()),
    path(f"{V2}/security-groups/<str:item_id>", security_groups.SecurityGroupItem.as_view()),
    path(f"{V2}/security-group-rules", security_group_rules.SecurityGroupRules.as_view()),
    path(f"{V2}/security-group-rules/<str:item_id>", security_group_rules.SecurityGroupRuleItem.as_view()),
    path(f"{V2}/quotas", quotas.Quotas.as_view()),
    path(f"{V2}/quotas/tenant", quotas.OwnTenant.as_view()),
    path(f"{V2}/quotas/project", quotas.OwnTenant.as_view()),
    path(f"{V2}/quotas/<str:project_id>", quotas.QuotaItem.as_view()),
    path(f"{V2}/quotas/<str:project_id>/default", quotas.QuotaDefaults.as_view()),
    path(f"{V2}/quotas/<str:project_id>/details", quotas.QuotaDetails.as_view()),
    path(f"{V2}/quotas/<str:project_id>/details.json", quotas.QuotaDetails.as_view()),  # as the SDK asks
    *not_offered.routes(V2, NOT_OFFERED),
    path(f"{V2}/<str:collection>/<str:item_id>/tags", tags.Tags.as_view()),
    path(f"{V2}/<str:collection>/<str:item_id>/tags/<str:tag>", tags.TagItem.as_view()),
]
