"""Compute's routes. ``v2`` is the same API without microversions' names; ids of projects in paths are accepted."""

from django.urls import URLPattern, URLResolver, include, path

import apps.common.api.converters  # noqa: F401 - it registers "project"
from apps.compute.api.routes import ROUTES
from apps.compute.api.views import discovery

urlpatterns: list[URLPattern | URLResolver] = [
    path("compute", discovery.VersionsView.as_view()),
    path("compute/v2.1", discovery.VersionView.as_view(), {"name": "v2.1"}),
    path("compute/v2", discovery.VersionView.as_view(), {"name": "v2"}),
    path("compute/v2.1/", include(ROUTES)),
    path("compute/v2/", include(ROUTES)),
    path("compute/v2.1/<project:project_in_url>/", include(ROUTES)),
    path("compute/v2/<project:project_in_url>/", include(ROUTES)),
]
