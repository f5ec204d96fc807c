"""App registration."""

from typing import Any

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "apps.identity"
    label = "identity"
    verbose_name = "Identity"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from apps.common import policy
        from apps.identity import policies

        policy.register(policies.RULES, service="identity", words=policies.WORDS)
        user_logged_in.connect(_record_session, dispatch_uid="identity.sign_in")


def _record_session(**session: Any) -> None:
    """Sign-in has modules that no worker needs."""
    from apps.identity.backends import DomainUserBackend

    DomainUserBackend.record_session(**session)
