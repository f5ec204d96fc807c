"""Making and removing key pairs: counted per user, in the transaction that writes the row."""

import uuid

from django.db import IntegrityError, transaction

from apps.compute import public_keys
from apps.compute.exceptions import KeyPairExists, KeyPairNotFound
from apps.compute.models import KeyPair
from apps.compute.selectors import keypairs as selectors
from apps.quotas.services import reservations

RESOURCE = "key_pairs"


def create(
    *, user_id: str, project_id: str | None, name: str, kind: str = "ssh", public_key: str | None = None
) -> tuple[KeyPair, str | None]:
    """Import ``public_key``, or generate a pair. Returns the row, and the private key when it was generated.

    The private key is returned this once and stored nowhere. Raises KeyPairInvalid (400), KeyPairExists (409),
    QuotaExceeded (403).
    """
    if public_key is None:
        made = public_keys.generate(kind=kind, user=user_id)
    else:
        made = public_keys.parse(kind=kind, text=public_key)
    keypair = KeyPair(user_id=user_id, name=name, type=kind, public_key=made.public_key, fingerprint=made.fingerprint)
    _write(keypair, project_id)
    return keypair, made.private_key


@transaction.atomic
def _write(keypair: KeyPair, project_id: str | None) -> None:
    try:
        with transaction.atomic():
            keypair.save(force_insert=True)
    except IntegrityError:
        raise KeyPairExists(name=keypair.name) from None
    consumer = uuid.uuid4()  # reserved and committed in one transaction: nothing settles it later
    reservations.reserve(
        owner_id=keypair.user_id, each={RESOURCE: 1}, consumers=[consumer], limits_of=project_id or keypair.user_id
    )
    reservations.commit(consumers=[consumer])


@transaction.atomic
def delete(*, user_id: str, name: str) -> None:
    """Raises KeyPairNotFound (404). Of two concurrent deletes one finds no row, so the usage decreases once."""
    keypair = selectors.get(user_id=user_id, name=name)
    gone, _ = KeyPair.objects.filter(id=keypair.id).delete()
    if not gone:
        raise KeyPairNotFound(name=name[:255], user=user_id)
    reservations.release(owner_id=user_id, each={RESOURCE: 1}, consumer=uuid.uuid4())
