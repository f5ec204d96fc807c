"""App registration."""

from django.apps import AppConfig

from apps.common import policy


class ImagesConfig(AppConfig):
    name = "apps.images"
    label = "images"
    verbose_name = "Images"

    def ready(self) -> None:
        from apps.images import policies
        from apps.images.services import charges, project_resources

        policy.register(policies.RULES)
        project_resources.register()
        charges.register()
