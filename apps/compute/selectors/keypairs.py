"""Reading key pairs: always of one user."""

from django.db.models import QuerySet

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
