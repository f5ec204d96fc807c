"""The one route table. Every application writes full paths from the root, without trailing slashes."""

from django.contrib import admin
from django.urls import include, path

handler400 = "apps.common.api.errors.bad_request"
handler404 = "apps.common.api.errors.page_not_found"
handler500 = "apps.common.api.errors.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("apps.identity.api.urls")),
]
