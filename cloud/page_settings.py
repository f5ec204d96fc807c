"""Settings of pages and of the APIs' framework, none of which an operator changes: a part of cloud/settings.py."""

from collections.abc import Callable
from typing import Any

STATIC_URL = "/static/"


def _static(name: str) -> Callable[[Any], str]:
    """Return the function that gives a static file's URL; the name contains a hash once files are collected."""

    def url(request: Any) -> str:
        from django.templatetags.static import static  # loads templates, which workers go without

        return str(static(name))

    return url


UNFOLD = {
    "SITE_TITLE": "Celerity",
    "SITE_HEADER": "Celerity",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _static("cloud/icon.svg")}],
    "STYLES": [_static("cloud/admin.css")],
    "SCRIPTS": [_static("cloud/access.js"), _static("cloud/live.js"), _static("cloud/search.js")],
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": True,
        "navigation": "apps.operations.admin.navigation.navigation",
    },
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.identity.api.authentication.TokenAuthentication",
        "apps.identity.api.authentication.BrowserSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.common.api.permissions.IsSignedIn"],
    "DEFAULT_RENDERER_CLASSES": [
        "apps.common.api.renderers.JSONRenderer",
        "apps.common.api.renderers.BrowsableRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["apps.common.api.parsers.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "apps.common.api.negotiation.BrowserOrJSON",
    "DEFAULT_SCHEMA_CLASS": "apps.common.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "apps.common.api.errors.handle",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Celerity",
    "DESCRIPTION": "A compute cloud that speaks the OpenStack APIs.",
    "VERSION": "0.1.0",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "DISABLE_ERRORS_AND_WARNINGS": True,
    "SWAGGER_UI_SETTINGS": {"deepLinking": True},
    "PREPROCESSING_HOOKS": ["apps.common.api.schema.without_aliases"],
}
