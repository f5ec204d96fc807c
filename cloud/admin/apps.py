"""Django's admin with our site."""

from django.contrib.admin.apps import AdminConfig


class OperatorAdminConfig(AdminConfig):
    default_site = "cloud.admin.site.OperatorSite"
