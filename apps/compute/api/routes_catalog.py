"""Routes of everything but servers: flavors, key pairs, quotas, hosts."""

from django.urls import URLPattern, path

from apps.compute.api.views import (
    aggregates,
    availability_zones,
    extensions,
    flavor_access,
    flavor_extra_specs,
    flavors,
    hypervisors,
    keypairs,
    limits,
    quota_class_sets,
    quota_sets,
    remote_consoles,
    server_external_events,
    server_groups,
    services,
    simple_tenant_usage,
)

FLAVOR_ROUTES: list[URLPattern] = [
    path("flavors", flavors.FlavorsView.as_view()),
    path("flavors/detail", flavors.FlavorsDetailView.as_view()),
    path("flavors/<flavor_id>", flavors.FlavorView.as_view()),
    path("flavors/<flavor_id>/action", flavor_access.FlavorActionView.as_view()),
    path("flavors/<flavor_id>/os-flavor-access", flavor_access.FlavorAccessView.as_view()),
    path("flavors/<flavor_id>/os-extra_specs", flavor_extra_specs.ExtraSpecsView.as_view()),
    path("flavors/<flavor_id>/os-extra_specs/<key>", flavor_extra_specs.ExtraSpecView.as_view()),
]
KEYPAIR_ROUTES: list[URLPattern] = [
    path("os-keypairs", keypairs.KeyPairsView.as_view()),
    path("os-keypairs/<name>", keypairs.KeyPairView.as_view()),
]
QUOTA_ROUTES: list[URLPattern] = [
    path("limits", limits.LimitsView.as_view()),
    path("os-quota-sets/<project_id>", quota_sets.QuotaSetView.as_view()),
    path("os-quota-sets/<project_id>/detail", quota_sets.QuotaSetDetailView.as_view()),
    path("os-quota-sets/<project_id>/defaults", quota_sets.QuotaSetDefaultsView.as_view()),
    path("os-quota-class-sets/<name>", quota_class_sets.QuotaClassSetView.as_view()),
    path("os-simple-tenant-usage", simple_tenant_usage.UsagesView.as_view()),
    path("os-simple-tenant-usage/<project_id>", simple_tenant_usage.UsageView.as_view()),
]
GROUP_ROUTES: list[URLPattern] = [
    path("os-server-external-events", server_external_events.ServerExternalEventsView.as_view()),
    path("os-server-groups", server_groups.ServerGroupsView.as_view()),
    path("os-server-groups/<server_group_id>", server_groups.ServerGroupView.as_view()),
]
HOST_ROUTES: list[URLPattern] = [
    path("os-aggregates", aggregates.AggregatesView.as_view()),
    path("os-aggregates/<aggregate_id>", aggregates.AggregateView.as_view()),
    path("os-aggregates/<aggregate_id>/images", aggregates.AggregateImagesView.as_view()),
    path("os-aggregates/<aggregate_id>/action", aggregates.AggregateActionView.as_view()),
    path("os-availability-zone", availability_zones.AvailabilityZonesView.as_view()),
    path("os-availability-zone/detail", availability_zones.AvailabilityZonesDetailView.as_view()),
    path("os-hypervisors", hypervisors.HypervisorsView.as_view()),
    path("os-hypervisors/detail", hypervisors.HypervisorsDetailView.as_view()),
    path("os-hypervisors/statistics", hypervisors.HypervisorStatisticsView.as_view()),
    path("os-hypervisors/<key>", hypervisors.HypervisorView.as_view()),
    path("os-hypervisors/<key>/search", hypervisors.HypervisorSearchView.as_view()),
    path("os-hypervisors/<key>/servers", hypervisors.HypervisorServersView.as_view()),
    path("os-hypervisors/<key>/uptime", hypervisors.HypervisorUptimeView.as_view()),
    path("os-console-auth-tokens/<console_token>", remote_consoles.ConsoleTokenView.as_view()),
    path("os-services", services.ServicesView.as_view()),
    path("os-services/<key>", services.ServiceView.as_view()),
]
EXTENSION_ROUTES: list[URLPattern] = [
    path("extensions", extensions.ExtensionsView.as_view()),
    path("extensions/<alias>", extensions.ExtensionView.as_view()),
]

CATALOG_ROUTES: list[URLPattern] = [
    *FLAVOR_ROUTES,
    *KEYPAIR_ROUTES,
    *QUOTA_ROUTES,
    *GROUP_ROUTES,
    *HOST_ROUTES,
    *EXTENSION_ROUTES,
]
