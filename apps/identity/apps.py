"""App registration."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "apps.identity"
    label = "identity"
    verbose_name = "Identity"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from apps.common import policy
        from apps.identity import policies
        from apps.identity.backends import DomainUserBackend

        policy.register(policies.RULES, service="identity", words=policies.WORDS)
        user_logged_in.connect(DomainUserBackend.record_session, dispatch_uid="identity.sign_in")
