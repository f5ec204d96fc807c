"""Checking and setting passwords."""

from functools import lru_cache

from django.contrib.auth import hashers
from django.db.models.functions import Now
from django.utils import timezone

from apps.common.exceptions import BadRequest
from apps.identity.models import User
from apps.identity.states import MAX_PASSWORD_BYTES


@lru_cache(maxsize=1)
def _nobody() -> str:
    """Return a hash that no password has: unknown users cost the time of known ones."""
    return hashers.make_password("nobody")


def refuse_overlong(password: str) -> None:
    """Raise BadRequest (400) for what is too long to be hashed: work for us, none for the sender."""
    if len(password) > MAX_PASSWORD_BYTES or len(password.encode("utf-8", "surrogatepass")) > MAX_PASSWORD_BYTES:
        raise BadRequest(f"Invalid input for field/attribute password: it is longer than {MAX_PASSWORD_BYTES} bytes.")


def matches(*, user: User | None, password: str) -> bool:
    """Return whether ``password`` is the user's; takes as long for nobody, and for an empty password.

    A hash of an older kind is replaced by today's, without ending the user's tokens.
    """
    refuse_overlong(password)
    stored = user.password if user is not None and user.has_usable_password() else _nobody()
    good, outdated = hashers.verify_password(password, stored, preferred="default")
    if not good or not password or user is None or not user.has_usable_password():
        return False
    if outdated:
        User.objects.filter(pk=user.pk, password=user.password).update(password=hashers.make_password(password))
    return True


def assign(*, user: User, password: str | None) -> None:
    """Give an unsaved or saved user a password; None takes it away. Ends all tokens once the row is saved."""
    if password:
        refuse_overlong(password)
        user.set_password(password)
    else:
        user.set_unusable_password()
    user.password_changed_at = timezone.now()
    user.tokens_valid_after = Now()


def change(*, user: User, password: str | None) -> None:
    """Set the password and end every token and session of the user at once."""
    assign(user=user, password=password)
    user.save(update_fields=["password", "password_changed_at", "tokens_valid_after"])
    user.refresh_from_db(fields=["tokens_valid_after"])
