"""Reading trusts."""

from collections.abc import Mapping

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.identity.exceptions import NotFound
from apps.identity.models import Trust


def _living() -> QuerySet[Trust]:
    """Return trusts that have not expired: expired ones are never shown."""
    rows = Trust.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
    return rows.prefetch_related("roles")


def find(trust_id: str) -> Trust | None:
    return _living().filter(pk=trust_id).first()


def get(trust_id: str) -> Trust:
    """Raises NotFound."""
    trust = find(trust_id)
    if trust is None:
        raise NotFound(noun="trust", id=trust_id[:64])
    return trust


def listed(params: Mapping[str, str]) -> QuerySet[Trust]:
    rows = _living()
    for name, column in (("trustor_user_id", "trustor_id"), ("trustee_user_id", "trustee_id")):
        if name in params:
            rows = rows.filter(**{column: params[name]})
    return rows
