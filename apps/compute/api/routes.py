"""The routes below a version: one list per family of nouns."""

from django.urls import URLPattern, path

from apps.common.microversions import since
from apps.compute.api.routes_catalog import CATALOG_ROUTES
from apps.compute.api.routes_not_offered import NOT_OFFERED_ROUTES
from apps.compute.api.routes_parts import SERVER_PART_ROUTES
from apps.compute.api.routes_proxies import PROXY_ROUTES
from apps.compute.api.views import actions, servers

BOOT = since("2.1", "2.102")
SERVER_ROUTES: list[URLPattern] = [
    path("servers", servers.ServersView.as_view()),
    path("servers/detail", servers.ServersDetailView.as_view()),
    path("servers/<server_id>", servers.ServerView.as_view()),
    path("servers/<server_id>/action", actions.ServerActionView.as_view()),
    # Nova's older name, until 2.102
    path("os-volumes_boot", servers.ServersView.as_view(versions=BOOT)),
    path("os-volumes_boot/detail", servers.ServersDetailView.as_view(versions=BOOT)),
    path("os-volumes_boot/<server_id>", servers.ServerView.as_view(versions=BOOT)),
    path("os-volumes_boot/<server_id>/action", actions.ServerActionView.as_view(versions=BOOT)),
]
ROUTES = [*SERVER_ROUTES, *SERVER_PART_ROUTES, *CATALOG_ROUTES, *PROXY_ROUTES, *NOT_OFFERED_ROUTES]
