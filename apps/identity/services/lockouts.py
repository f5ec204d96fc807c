"""Users that are locked after too many failures, and the addresses of their own that a stranger cannot lock out.

An address from which a user has signed in lately counts its failures by itself. Failures from all other addresses count
together for the user, and lock it for those alone: nobody keeps an administrator out by trying wrong passwords.
"""

import hashlib
import hmac

from django.conf import settings
from django.db import connection

from apps.identity.models import KnownAddress, User
from apps.identity.states import KNOWN_ADDRESS_DAYS, KNOWN_ADDRESSES

_LOCKED = """
SELECT CASE WHEN k.id IS NOT NULL
            THEN k.failures >= %(limit)s AND k.failed_at > now() - make_interval(secs => %(seconds)s)
            ELSE u.failed_auth_count >= %(limit)s AND u.failed_auth_at > now() - make_interval(secs => %(seconds)s) END
  FROM identity_user u
  LEFT JOIN identity_knownaddress k
         ON k.user_id = u.id AND k.digest = %(digest)s AND k.seen_at > now() - make_interval(days => %(days)s)
 WHERE u.id = %(user)s"""
_FAILED = """
WITH known AS (
    UPDATE identity_knownaddress
       SET failures = CASE WHEN failed_at IS NULL OR failed_at < now() - make_interval(secs => %(seconds)s)
                           THEN 1 ELSE failures + 1 END,
           failed_at = now()
     WHERE user_id = %(user)s AND digest = %(digest)s AND seen_at > now() - make_interval(days => %(days)s)
    RETURNING failures
), unknown AS (
    UPDATE identity_user
       SET failed_auth_count =
               CASE WHEN failed_auth_at IS NULL OR failed_auth_at < now() - make_interval(secs => %(seconds)s)
                    THEN 1 ELSE failed_auth_count + 1 END,
           failed_auth_at = now()
     WHERE id = %(user)s AND NOT EXISTS (SELECT 1 FROM known)
    RETURNING failed_auth_count
)
SELECT failures FROM known UNION ALL SELECT failed_auth_count FROM unknown"""
# Written at most once an hour for each address: a sign-in costs no row version else.
_SEEN = """
INSERT INTO identity_knownaddress AS k (user_id, digest, seen_at, failures) VALUES (%(user)s, %(digest)s, now(), 0)
    ON CONFLICT (user_id, digest) DO UPDATE SET seen_at = now(), failures = 0
 WHERE k.failures > 0 OR k.seen_at < now() - interval '1 hour'
RETURNING (xmax = 0)"""


def _digest(address: str) -> str:
    """Return what an address is kept as: rows tell nobody where a user works."""
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
        cursor.execute(_LOCKED, _values(user, address))
        row = cursor.fetchone()
    return row is not None and row[0] is True


def count_failure(user: User, address: str) -> int:
    """Count a failure for the address where it is the user's own, else for the user. Returns how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, _values(user, address))
        row = cursor.fetchone()
    return int(row[0]) if row is not None else 0


def succeeded(user: User, address: str) -> None:
    """Forget the failures that were counted for this user and address, and remember the address as the user's own."""
    if user.failed_auth_count and not is_locked(user, ""):
        User.objects.filter(pk=user.pk).update(failed_auth_count=0, failed_auth_at=None)
    if settings.LOCKOUT_FAILURES <= 0:
        return
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, _values(user, address))
        row = cursor.fetchone()
    if row is not None and row[0]:
        _forget_oldest(user)


def unlock(user: User) -> None:
    """Forget the failures at the user's own addresses: a new password is nobody's guess yet."""
    KnownAddress.objects.filter(user=user, failures__gt=0).update(failures=0, failed_at=None)


def _forget_oldest(user: User) -> None:
    """Keep the addresses that were seen last, and no more than KNOWN_ADDRESSES."""
    rows = KnownAddress.objects.filter(user=user)
    kept = list(rows.order_by("-seen_at", "-pk").values_list("pk", flat=True)[:KNOWN_ADDRESSES])
    rows.exclude(pk__in=kept).delete()
