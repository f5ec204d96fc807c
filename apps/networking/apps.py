"""App registration."""

from django.apps import AppConfig

from apps.common import policy


class NetworkingConfig(AppConfig):
    name = "apps.networking"
    label = "networking"
    verbose_name = "Networking"

    def ready(self) -> None:
        from apps.networking import policies
        from apps.networking.services import project_resources, quotas

        policy.register(policies.RULES, service="network", words=policies.WORDS)
        project_resources.register()
        quotas.register()
