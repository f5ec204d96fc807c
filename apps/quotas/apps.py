"""App registration."""

from django.apps import AppConfig


class QuotasConfig(AppConfig):
    name = "apps.quotas"
    label = "quotas"

    def ready(self) -> None:
        from apps.quotas.services import project_resources

        project_resources.register()
