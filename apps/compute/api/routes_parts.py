"""Routes of a server's parts: metadata, tags, addresses, actions."""

from django.urls import URLPattern, path

from apps.compute.api.views import (
    diagnostics,
    instance_actions,
    interfaces,
    ips,
    migrations,
    remote_consoles,
    security_groups,
    server_metadata,
    server_passwords,
    server_tags,
    shares,
    topology,
    volume_attachments,
)

SERVER_PART_ROUTES: list[URLPattern] = [
    path("servers/<server_id>/metadata", server_metadata.MetadataView.as_view()),
    path("servers/<server_id>/metadata/<key>", server_metadata.MetadataItemView.as_view()),
    path("servers/<server_id>/tags", server_tags.TagsView.as_view()),
    path("servers/<server_id>/tags/<tag>", server_tags.TagView.as_view()),
    path("servers/<server_id>/diagnostics", diagnostics.DiagnosticsView.as_view()),
    path("servers/<server_id>/topology", topology.TopologyView.as_view()),
    path("servers/<server_id>/ips", ips.IPsView.as_view()),
    path("servers/<server_id>/ips/<network>", ips.NetworkIPsView.as_view()),
    path("servers/<server_id>/os-instance-actions", instance_actions.InstanceActionsView.as_view()),
    path("servers/<server_id>/os-instance-actions/<request_id>", instance_actions.InstanceActionView.as_view()),
    path("servers/<server_id>/os-interface", interfaces.InterfacesView.as_view()),
    path("servers/<server_id>/os-interface/<port_id>", interfaces.InterfaceView.as_view()),
    path("servers/<server_id>/os-security-groups", security_groups.ServerSecurityGroupsView.as_view()),
    path("servers/<server_id>/os-server-password", server_passwords.ServerPasswordView.as_view()),
    path("servers/<server_id>/os-volume_attachments", volume_attachments.VolumeAttachmentsView.as_view()),
    path("servers/<server_id>/os-volume_attachments/<volume_id>", volume_attachments.VolumeAttachmentView.as_view()),
    path("servers/<server_id>/remote-consoles", remote_consoles.RemoteConsolesView.as_view()),
    path("servers/<server_id>/shares", shares.SharesView.as_view()),
    path("servers/<server_id>/shares/<share_id>", shares.ShareView.as_view()),
    path("servers/<server_id>/migrations", migrations.ServerMigrationsView.as_view()),
    path("servers/<server_id>/migrations/<migration_id>", migrations.ServerMigrationView.as_view()),
    path("servers/<server_id>/migrations/<migration_id>/action", migrations.ServerMigrationActionView.as_view()),
]
