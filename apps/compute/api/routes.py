"""The routes below a version: one list per family of nouns."""

from django.urls import URLPattern, path

from apps.compute.api.routes_catalog import CATALOG_ROUTES
from apps.compute.api.routes_not_offered import NOT_OFFERED_ROUTES
from apps.compute.api.routes_parts import SERVER_PART_ROUTES
from apps.compute.api.routes_proxies import PROXY_ROUTES
from apps.compute.api.views import actions, servers

SERVER_ROUTES: list[URLPattern] = [
    path("servers", servers.ServersView.as_view()),
    path("servers/detail", servers.ServersDetailView.as_view()),
    path("servers/<server_id>", servers.ServerView.as_view()),
    path("servers/<server_id>/action", actions.ServerActionView.as_view()),
    path("os-volumes_boot", servers.ServersView.as_view()),  # Nova's older name of the list
]
ROUTES = [*SERVER_ROUTES, *SERVER_PART_ROUTES, *CATALOG_ROUTES, *PROXY_ROUTES, *NOT_OFFERED_ROUTES]
