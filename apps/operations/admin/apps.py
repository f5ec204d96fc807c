"""Django's admin with our site."""

from django.contrib.admin.apps import AdminConfig


class OperatorAdminConfig(AdminConfig):
    default_site = "apps.operations.admin.site.OperatorSite"
