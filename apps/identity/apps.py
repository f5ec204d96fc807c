"""App registration."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "apps.identity"
    label = "identity"
    verbose_name = "Identity"

    def ready(self) -> None:
        from apps.common import policy
        from apps.identity import policies

        policy.register(policies.RULES, service="identity", words=policies.WORDS)
