"""Routes of Nova's proxies for other services, and of os-hosts, which later microversions dropped."""

from django.urls import URLPattern, path

from apps.compute.api.views import (
    floating_ips,
    hosts,
    images,
    migrations,
    networks,
    security_groups,
    usage_audit_log,
    volumes,
)

IMAGE_ROUTES: list[URLPattern] = [
    path("images", images.ImagesView.as_view()),
    path("images/detail", images.ImagesDetailView.as_view()),
    path("images/<image_id>", images.ImageView.as_view()),
    path("images/<image_id>/metadata", images.ImageMetadataView.as_view()),
    path("images/<image_id>/metadata/<key>", images.ImageMetadataItemView.as_view()),
]
NETWORK_ROUTES: list[URLPattern] = [
    path("os-networks", networks.NetworksView.as_view()),
    path("os-networks/<network_id>", networks.NetworkView.as_view()),
    path("os-tenant-networks", networks.TenantNetworksView.as_view()),
    path("os-tenant-networks/<network_id>", networks.TenantNetworkView.as_view()),
    path("os-floating-ip-pools", floating_ips.FloatingIPPoolsView.as_view()),
    path("os-floating-ips", floating_ips.FloatingIPsView.as_view()),
    path("os-floating-ips/<floating_ip_id>", floating_ips.FloatingIPView.as_view()),
    path("os-security-groups", security_groups.SecurityGroupsView.as_view()),
    path("os-security-groups/<group_id>", security_groups.SecurityGroupView.as_view()),
    path("os-security-group-rules", security_groups.SecurityGroupRulesView.as_view()),
    path("os-security-group-rules/<rule_id>", security_groups.SecurityGroupRuleView.as_view()),
]
VOLUME_ROUTES: list[URLPattern] = [
    path("os-volumes", volumes.VolumesView.as_view()),
    path("os-volumes/detail", volumes.VolumesDetailView.as_view()),
    path("os-volumes/<volume_id>", volumes.VolumeView.as_view()),
    path("os-snapshots", volumes.SnapshotsView.as_view()),
    path("os-snapshots/detail", volumes.SnapshotsDetailView.as_view()),
    path("os-snapshots/<snapshot_id>", volumes.SnapshotView.as_view()),
    path("os-assisted-volume-snapshots", volumes.AssistedSnapshotsView.as_view()),
    path("os-assisted-volume-snapshots/<snapshot_id>", volumes.AssistedSnapshotView.as_view()),
]
HOST_ROUTES: list[URLPattern] = [
    path("os-hosts", hosts.HostsView.as_view()),
    path("os-hosts/<name>", hosts.HostView.as_view()),
    *(
        path(f"os-hosts/<name>/{verb}", hosts.HostPowerView.as_view(rule=rule))
        for verb, rule in (("reboot", "reboot"), ("shutdown", "shutdown"), ("startup", "start"))
    ),
    path("os-instance_usage_audit_log", usage_audit_log.UsageAuditLogsView.as_view()),
    path("os-instance_usage_audit_log/<before>", usage_audit_log.UsageAuditLogView.as_view()),
    path("os-migrations", migrations.MigrationsView.as_view()),
]
PROXY_ROUTES: list[URLPattern] = [*IMAGE_ROUTES, *NETWORK_ROUTES, *VOLUME_ROUTES, *HOST_ROUTES]
