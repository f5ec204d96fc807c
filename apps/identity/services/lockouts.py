"""Users are locked after too many failures, except from addresses that they use: strangers cannot lock these.

An address from which a user has signed in recently has its own count of failures. Failures from all other addresses
count together and lock the user for those only, so trying wrong passwords cannot lock an administrator out.
"""

import hashlib
import hmac

from django.conf import settings
from django.db import connection

from apps.identity.models import KnownAddress, User
from apps.identity.sql import lockouts as sql
from apps.identity.states import KNOWN_ADDRESS_DAYS, KNOWN_ADDRESSES


def _digest(address: str) -> str:
    """Return the digest that is stored for an address: rows do not reveal where a user works."""
    return hmac.new(settings.SECRET_KEY.encode(), f"known:{address}".encode(), hashlib.sha256).hexdigest()[:32]


def _values(user: User, address: str) -> dict[str, str | int]:
    return {
        "user": user.pk,
        "digest": _digest(address),
        "limit": settings.LOCKOUT_FAILURES,
        "seconds": settings.LOCKOUT_SECONDS,
        "days": KNOWN_ADDRESS_DAYS,
    }


def is_locked(user: User, address: str) -> bool:
    """Return whether the user failed too often a short while ago, as far as this address is concerned. 1 query."""
    if settings.LOCKOUT_FAILURES <= 0 or user.options.get("ignore_lockout_failure_attempts") is True:
        return False
    with connection.cursor() as cursor:
        cursor.execute(sql.LOCKED, _values(user, address))
        row = cursor.fetchone()
    return row is not None and row[0] is True


def count_failure(user: User, address: str) -> int:
    """Count a failure for the address if the user is known to use it, else for the user. Returns how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(sql.FAILED, _values(user, address))
        row = cursor.fetchone()
    return int(row[0]) if row is not None else 0


def succeeded(user: User, address: str) -> None:
    """Forget the failures that were counted for this user and address, and remember the address as the user's own."""
    if user.failed_auth_count and not is_locked(user, ""):
        User.objects.filter(pk=user.pk).update(failed_auth_count=0, failed_auth_at=None)
    if settings.LOCKOUT_FAILURES <= 0:
        return
    with connection.cursor() as cursor:
        cursor.execute(sql.SEEN, _values(user, address))
        row = cursor.fetchone()
    if row is not None and row[0]:
        _forget_oldest(user)


def unlock(user: User) -> None:
    """Reset the failures at the user's known addresses: they were guesses of another password."""
    KnownAddress.objects.filter(user=user, failures__gt=0).update(failures=0, failed_at=None)


def _forget_oldest(user: User) -> None:
    """Keep the addresses that were seen last, and no more than KNOWN_ADDRESSES."""
    rows = KnownAddress.objects.filter(user=user)
    kept = list(rows.order_by("-seen_at", "-pk").values_list("pk", flat=True)[:KNOWN_ADDRESSES])
    rows.exclude(pk__in=kept).delete()
