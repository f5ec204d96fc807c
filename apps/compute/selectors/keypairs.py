"""Reading key pairs: always of one user."""

from django.db.models import QuerySet

from apps.common import pagination
from apps.common.exceptions import BadRequest
from apps.compute.exceptions import KeyPairNotFound
from apps.compute.models import KeyPair


def of_user(*, user_id: str) -> QuerySet[KeyPair]:
    return KeyPair.objects.filter(user_id=user_id).order_by("name")


def get(*, user_id: str, name: str) -> KeyPair:
    """Raises KeyPairNotFound (404)."""
    keypair = of_user(user_id=user_id).filter(name=name).first()
    if keypair is None:
        raise KeyPairNotFound(name=name[:255], user=user_id)
    return keypair


def page(*, user_id: str, marker: str | None, limit: int) -> tuple[list[KeyPair], bool]:
    """Return key pairs by name, after the one called ``marker``. Raises BadRequest (400) for an unknown marker."""
    last = of_user(user_id=user_id).filter(name=marker).first() if marker else None
    if marker and last is None:
        raise BadRequest(f"Marker {marker[:64]} could not be found.")
    return pagination.page(of_user(user_id=user_id), sort=[("name", "asc")], marker=last, limit=limit)
