"""Against guessing: a user that fails too often is locked for a while (lockouts.py), an address that does waits.

Nothing here inserts a row for a stranger: users are there already, and addresses fall into a fixed set of slots.
"""

import hashlib
import hmac
from collections.abc import Callable, Collection

import structlog
from django.conf import settings
from django.db import connection

from apps.common import audit
from apps.identity import multi_factor
from apps.identity.exceptions import TooManyFailures
from apps.identity.models import AddressSlot, User
from apps.identity.services import lockouts, passwords
from apps.identity.sql import throttling as sql
from apps.identity.states import ADDRESS_SLOTS

log = structlog.get_logger("celerity.identity")
RECORDED_FAILURES = 10  # of one user in one window: strangers cannot fill the audit trail


def _slot(address: str) -> int:
    """Return an address's slot. Clients cannot find out which addresses share it."""
    digest = hmac.new(settings.SECRET_KEY.encode(), address.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:4], "big") % ADDRESS_SLOTS


def check_address(address: str) -> None:
    """Raise TooManyFailures (429) while the address has to wait: before any password is hashed."""
    if settings.ADDRESS_FAILURES <= 0:
        return
    with connection.cursor() as cursor:
        cursor.execute(sql.ADDRESS_WAITS, (_slot(address), settings.ADDRESS_FAILURES, settings.ADDRESS_SECONDS))
        if cursor.fetchone():
            raise TooManyFailures(seconds=settings.ADDRESS_SECONDS)


def address_failed(address: str) -> None:
    """Count a failure of an address; the window begins with its first one."""
    window = settings.ADDRESS_SECONDS
    with connection.cursor() as cursor:
        cursor.execute(sql.ADDRESS_FAILED, (window, window, _slot(address)))


def user_failed(user: User, address: str, what: str) -> None:
    """Count a wrong password, passcode or secret of a user, and record the first ones."""
    if lockouts.count_failure(user, address) <= RECORDED_FAILURES:
        refused(user, address, what)


def refused(user: User, address: str, reason: str) -> None:
    """Record that a sign-in of a known user was refused; after some in one window no more of them."""
    seconds = settings.LOCKOUT_SECONDS
    if audit.failures_of(target_id=user.pk, seconds=seconds, limit=RECORDED_FAILURES) >= RECORDED_FAILURES:
        return
    audit.record(
        "authenticate",
        "user",
        user.pk,
        outcome=audit.FAILURE,
        details={"reason": reason},
        user_id=user.pk,
        user_name=user.name,
        address=address,
    )


def verify(*, user: User | None, password: str, address: str) -> bool:
    """Return whether this is the password of a user that is not locked. Takes equally long without a user.

    Raises TooManyFailures (429) for an address that has to wait, and BadRequest (400) for over-long passwords.
    """
    good = attempt(
        user=user, address=address, what="password", check=lambda: passwords.matches(user=user, password=password)
    )
    if good and user is not None:
        succeeded(user, ("password",), address)
    return good


def attempt(*, user: User | None, address: str, what: str, check: Callable[[], bool]) -> bool:
    """Return whether ``check`` says yes and the user is not locked; a failure counts for the address and the user.

    Raises TooManyFailures (429) before ``check`` costs anything.
    """
    check_address(address)
    locked = user is not None and lockouts.is_locked(user, address)
    if check() and user is not None and not locked:
        return True
    address_failed(address)
    if user is not None and not locked:
        user_failed(user, address, what)
    return False


def succeeded(user: User, methods: Collection[str], address: str) -> None:
    """Reset the user's failures and trust the address, if ``methods`` satisfy all of the user's rules.

    A password without its passcode resets nothing: an attacker who knows the password could otherwise try passcodes
    for ever. Nor does an application credential, whose program signs in all day while an attacker tries passwords.
    """
    if multi_factor.suffice(user.options, methods):
        lockouts.succeeded(user, address)


def has_all_slots() -> bool:
    """Return whether the slots are all there (a restore may have left them out)."""
    return AddressSlot.objects.count() == ADDRESS_SLOTS


def ensure_slots() -> None:
    """Make the slots that are missing: bootstrap does, the migration did."""
    if not has_all_slots():
        AddressSlot.objects.bulk_create(
            [AddressSlot(id=number) for number in range(ADDRESS_SLOTS)], ignore_conflicts=True
        )
