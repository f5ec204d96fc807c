"""App registration."""

from django.apps import AppConfig


class ComputeConfig(AppConfig):
    name = "apps.compute"
    label = "compute"

    def ready(self) -> None:
        from apps.common import policy
        from apps.compute import policies
        from apps.compute.selectors import servers
        from apps.compute.services import project_resources, quotas
        from apps.volumes.services import servers as server_services

        policy.register(policies.RULES, former=policies.FORMER)
        project_resources.register()
        quotas.register()
        server_services.register(servers.project_of, servers.why_not_copied)
