"""Passcodes of a device (TOTP, RFC 6238): six digits of SHA-1 over the half minute, from a secret in a credential."""

import base64
import binascii
import hashlib
import hmac
from datetime import timedelta

from django.utils import timezone

from apps.identity.models import User
from apps.identity.selectors import credentials as credential_selectors
from apps.identity.services import credentials, signatures

SECONDS = 30
WINDOWS = 2  # this half minute and the one before, as Keystone's default has it
_DIGITS = 6


def passcode(secret: bytes, counter: int) -> str:
    """Return the code of the half minute ``counter`` (RFC 4226, 5.3)."""
    digest = hmac.new(secret, counter.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)


def secret_of(blob: str) -> bytes | None:
    """Return the secret that a credential holds in base 32, padded or not; None where it is none."""
    text = "".join(blob.split()).rstrip("=").upper()
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8)) or None
    except (binascii.Error, ValueError):
        return None


def matches(*, user: User | None, given: str) -> bool:
    """Return whether ``given`` is a code of one of the user's devices that was not used before (RFC 6238, 5.2)."""
    if user is None or len(given) != _DIGITS:
        return False
    now = int(timezone.now().timestamp()) // SECONDS
    for credential in credential_selectors.totp_of(user.pk):
        secret = secret_of(credentials.blob_of(credential))
        for counter in range(now - WINDOWS + 1, now + 1):
            if secret is not None and hmac.compare_digest(passcode(secret, counter).encode(), given.encode()):
                used = f"totp {credential.pk} {counter}"
                return signatures.use_once(used, lasts=timedelta(seconds=SECONDS * (WINDOWS + 1)))
    return False
