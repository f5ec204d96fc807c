"""The volume service's routes; the project's ID may be in the path or not."""

from django.urls import URLPattern, URLResolver, include, path

import apps.common.api.converters  # noqa: F401 - it registers "project"
from apps.volumes.api.routes import ROUTES
from apps.volumes.api.views import versions

urlpatterns: list[URLPattern | URLResolver] = [
    path("volume", versions.VersionsView.as_view()),
    path("volume/v3", versions.VersionView.as_view()),
    path("volume/v3/", include(ROUTES)),
    path("volume/v3/<project:project_in_url>/", include(ROUTES)),
]
