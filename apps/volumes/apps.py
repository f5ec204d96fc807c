"""App registration."""

from django.apps import AppConfig


class VolumesConfig(AppConfig):
    name = "apps.volumes"
    label = "volumes"
    verbose_name = "Volumes"

    def ready(self) -> None:
        from apps.common import policy
        from apps.volumes import policies
        from apps.volumes.services import project_resources, quotas

        policy.register(policies.RULES)
        project_resources.register()
        quotas.register()
