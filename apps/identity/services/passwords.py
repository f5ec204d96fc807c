"""Checking and setting passwords."""

import re
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth import hashers
from django.db.models.functions import Now
from django.utils import timezone

from apps.common.exceptions import BadRequest
from apps.identity.exceptions import Invalid
from apps.identity.models import FormerPassword, User
from apps.identity.services import lockouts
from apps.identity.states import MAX_PASSWORD_BYTES


@lru_cache(maxsize=1)
def nobody() -> str:
    """Return a hash that no password has: unknown users cost the time of known ones."""
    return hashers.make_password("nobody")


def refuse_overlong(password: str) -> None:
    """Raise BadRequest (400) for over-long passwords, whose hashing would be expensive."""
    if len(password) > MAX_PASSWORD_BYTES or len(password.encode("utf-8", "surrogatepass")) > MAX_PASSWORD_BYTES:
        raise BadRequest(f"Invalid input for field/attribute password: it is longer than {MAX_PASSWORD_BYTES} bytes.")


def matches(*, user: User | None, password: str) -> bool:
    """Return whether ``password`` is the user's. Takes equally long without a user, and for an empty password.

    A hash of an older kind is replaced by today's, without ending the user's tokens.
    """
    refuse_overlong(password)
    stored = user.password if user is not None and user.has_usable_password() else nobody()
    good, outdated = hashers.verify_password(password, stored, preferred="default")
    if not good or not password or user is None or not user.has_usable_password():
        return False
    if outdated:
        User.objects.filter(pk=user.pk, password=user.password).update(password=hashers.make_password(password))
    return True


def refuse_weak(password: str) -> None:
    """Raise Invalid (400) for a new password that does not match the operator's expression."""
    if settings.PASSWORD_REGEX and re.match(settings.PASSWORD_REGEX, password) is None:
        raise Invalid(field="password", reason="it does not meet the requirements")


def refuse_reused(user: User, password: str) -> None:
    """Raise Invalid (400) for one of the user's last passwords, and for a change too soon after the last one."""
    age = timedelta(days=settings.PASSWORD_MINIMUM_AGE_DAYS)
    expired = user.password_expires_at is not None and user.password_expires_at <= timezone.now()
    if age and not expired and user.password_changed_at is not None and timezone.now() < user.password_changed_at + age:
        raise Invalid(field="password", reason="it was changed too short a time ago")
    if settings.PASSWORD_HISTORY <= 0:
        return
    former = [row.password for row in FormerPassword.objects.filter(user=user)[: settings.PASSWORD_HISTORY]]
    if any(hashers.check_password(password, stored, preferred="default") for stored in (user.password, *former)):
        raise Invalid(field="password", reason="it was used before")


def remember(user: User, replaced: str) -> None:
    """Keep the hash that was just replaced, and no more of them than the settings ask for."""
    if settings.PASSWORD_HISTORY <= 0 or not hashers.is_password_usable(replaced):
        return
    FormerPassword.objects.create(user=user, password=replaced)
    kept = list(FormerPassword.objects.filter(user=user).values_list("pk", flat=True)[: settings.PASSWORD_HISTORY])
    FormerPassword.objects.filter(user=user).exclude(pk__in=kept).delete()


def assign(*, user: User, password: str | None, by_owner: bool = False) -> None:
    """Give an unsaved or saved user a password; None takes it away. Ends all tokens once the row is saved."""
    if password:
        refuse_overlong(password)
        refuse_weak(password)
        user.set_password(password)
    else:
        user.set_unusable_password()
    user.password_changed_at = timezone.now()
    user.password_expires_at = _expiry(user, by_owner) if password else None
    user.failed_auth_count, user.failed_auth_at = 0, None
    user.tokens_valid_after = Now()


def _expiry(user: User, by_owner: bool) -> Any:
    """Return when a password that is set now has to be changed: at once where others chose it and a setting says so."""
    first = settings.PASSWORD_CHANGE_AT_FIRST_USE and not by_owner
    if first and user.options.get("ignore_change_password_upon_first_use") is not True:
        return timezone.now()
    days = settings.PASSWORD_EXPIRES_DAYS
    return timezone.now() + timedelta(days=days) if days > 0 else None


_COLUMNS = (
    "password",
    "password_changed_at",
    "password_expires_at",
    "failed_auth_count",
    "failed_auth_at",
    "tokens_valid_after",
)


def change(*, user: User, password: str | None, by_owner: bool = False) -> None:
    """Set the password and end every token and session of the user at once."""
    replaced = user.password
    assign(user=user, password=password, by_owner=by_owner)
    user.save(update_fields=_COLUMNS)
    remember(user, replaced)
    lockouts.unlock(user)
    user.refresh_from_db(fields=["tokens_valid_after"])
