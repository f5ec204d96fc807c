"""The one route table. Every application writes full paths from the root, without trailing slashes."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.compute.api import urls as compute
from apps.identity.api import urls as identity
from apps.images.api import urls as images
from apps.metadata.api import urls as metadata
from apps.networking.api import urls as networks
from apps.operations import admission, health, start
from apps.volumes.api import urls as volumes
from cloud.tuning import routes

handler400 = "apps.common.api.errors.bad_request"
handler404 = "apps.common.api.errors.page_not_found"
handler500 = "apps.common.api.errors.server_error"

urlpatterns = [
    path("", start.start, name="start"),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", health.prometheus, name="metrics"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", RedirectView.as_view(url="/api/docs/")),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/images/admission/", admission.admit_form),
    path("admin/flower/admission/", admission.admit_flower),
    path("admin/", admin.site.urls),
    path("flower", RedirectView.as_view(url="/flower/")),
    path("flower/", admission.refuse_flower, name="flower"),
    path("flower/<path:path>", admission.refuse_flower),
    *metadata.urlpatterns,
    *routes.tree(
        [
            *compute.urlpatterns,
            *networks.urlpatterns,
            *images.urlpatterns,
            *identity.urlpatterns,
            *volumes.urlpatterns,
        ]
    ),
]
