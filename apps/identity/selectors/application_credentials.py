"""Reading application credentials and access rules."""

from collections.abc import Mapping

from django.db.models import QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import AccessRule, ApplicationCredential
from apps.identity.selectors import filters


def find(credential_id: str) -> ApplicationCredential | None:
    return ApplicationCredential.objects.select_related("user").filter(pk=credential_id).first()


def by_name(*, user_id: str, name: str) -> ApplicationCredential | None:
    return ApplicationCredential.objects.select_related("user").filter(user_id=user_id, name=name).first()


def of_user(user_id: str, params: Mapping[str, str]) -> QuerySet[ApplicationCredential]:
    rows = ApplicationCredential.objects.filter(user_id=user_id).prefetch_related("roles", "access_rules")
    return filters.apply(rows, params, texts=("name",))


def get(*, user_id: str, credential_id: str) -> ApplicationCredential:
    """Return a credential of this user. Raises NotFound for those of others too."""
    credential = of_user(user_id, {}).filter(pk=credential_id).first()
    if credential is None:
        raise NotFound(noun="application credential", id=credential_id[:64])
    return credential


def rules_of(user_id: str, params: Mapping[str, str]) -> QuerySet[AccessRule]:
    return filters.apply(AccessRule.objects.filter(user_id=user_id), params, texts=("service", "method", "path"))


def same_rule(wanted: AccessRule) -> AccessRule | None:
    """Return the user's rule that says the same."""
    return AccessRule.objects.filter(
        user_id=wanted.user_id, service=wanted.service, method=wanted.method, path=wanted.path
    ).first()


def rule(*, user_id: str, rule_id: str) -> AccessRule:
    """Raises NotFound."""
    rule = AccessRule.objects.filter(user_id=user_id, pk=rule_id).first()
    if rule is None:
        raise NotFound(noun="access rule", id=rule_id[:64])
    return rule
