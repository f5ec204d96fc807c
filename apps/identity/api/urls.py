"""Routes of identity: full paths from the root, written without a trailing slash."""

from django.urls import path

from apps.identity.api.views import tokens, versions

V3 = "identity/v3"

urlpatterns = [
    path("identity", versions.VersionsView.as_view()),
    path(V3, versions.VersionView.as_view()),
    path(f"{V3}/auth/tokens", tokens.TokensView.as_view()),
]
