"""App registration."""

from django.apps import AppConfig


class VolumesConfig(AppConfig):
    name = "apps.volumes"
    label = "volumes"
    verbose_name = "Volumes"

    def ready(self) -> None:
        from apps.volumes.services import quotas

        quotas.register()
