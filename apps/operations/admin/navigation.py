"""The menu: pages for daily work first, tables that only services write last."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

# Group -> (title, icon, "app_model").
MENU: dict[str, list[tuple[str, str, str]]] = {
    "Compute": [
        ("Servers", "dns", "compute_server"),
        ("Flavors", "straighten", "compute_flavor"),
        ("Key pairs", "key", "compute_keypair"),
        ("Server groups", "workspaces", "compute_servergroup"),
    ],
    "Hosts and work": [
        ("Hosts", "storage", "scheduling_host"),
        ("Runs", "conversion_path", "workflow_run"),
        ("Migrations", "moving", "compute_migration"),
        ("Findings", "troubleshoot", "workflow_finding"),
        ("Aggregates", "stacks", "scheduling_aggregate"),
        ("Allocations", "pie_chart", "scheduling_allocation"),
    ],
    "Images and networks": [
        ("Images", "album", "images_image"),
        ("Networks", "lan", "networking_network"),
        ("Subnets", "linear_scale", "networking_subnet"),
        ("Subnet pools", "grid_view", "networking_subnetpool"),
        ("Address scopes", "border_outer", "networking_addressscope"),
        ("Ports", "settings_ethernet", "networking_port"),
        ("Routers", "router", "networking_router"),
        ("Floating IPs", "public", "networking_floatingip"),
        ("Security groups", "shield", "networking_securitygroup"),
        ("Address groups", "list_alt", "networking_addressgroup"),
        ("QoS policies", "network_check", "networking_qospolicy"),
        ("Trunks", "call_split", "networking_trunk"),
        ("RBAC policies", "share", "networking_rbacpolicy"),
    ],
    "Volumes": [
        ("Volumes", "hard_drive", "volumes_volume"),
        ("Snapshots", "photo_camera", "volumes_snapshot"),
        ("Backups", "backup", "volumes_backup"),
        ("Backup plans", "event_repeat", "volumes_backupplan"),
        ("Volume types", "category", "volumes_volumetype"),
    ],
    "Identity": [
        ("Projects", "folder_open", "identity_project"),
        ("Users", "person", "identity_user"),
        ("Groups", "group", "identity_group"),
        ("Domains", "domain", "identity_domain"),
        ("Role assignments", "badge", "identity_roleassignment"),
        ("Audit trail", "history", "common_auditevent"),
    ],
    "Quotas": [
        ("Limits", "speed", "quotas_limit"),
        ("Usage", "monitoring", "quotas_usage"),
        ("Reservations", "hourglass_empty", "quotas_reservation"),
    ],
}
# Pages that are not of the admin.
OTHERS = {"Hosts and work": ({"title": "Celery (Flower)", "icon": "local_florist", "link": "/flower/"},)}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the menu without missing pages."""
    from django.contrib import admin

    here = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    groups: list[dict[str, Any]] = [
        {"title": "", "items": [{"title": "Overview", "icon": "space_dashboard", "link": reverse("admin:index")}]}
    ]
    for title, pages in MENU.items():
        items = [
            {"title": name, "icon": icon, "link": reverse(f"admin:{page}_changelist")}
            for name, icon, page in pages
            if page in here
        ]
        groups.append({"title": title, "separator": True, "items": [*items, *OTHERS.get(title, ())]})
    return groups
