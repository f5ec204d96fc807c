"""TOTP passcodes (RFC 6238): six digits of SHA-1 for each half minute, from the secret in a credential."""

import hmac
from datetime import timedelta
from typing import ClassVar

import pyotp
from django.utils import timezone

from apps.identity.models import User
from apps.identity.selectors import credentials as credential_selectors
from apps.identity.services import credentials, signatures

SECONDS = 30
WINDOWS = 2  # this half minute and the one before, as Keystone's default has it
_DIGITS = 6


class Device(pyotp.HOTP):
    """A device's secret in base 32. Keystone demands no length: many devices have 80 bits, pyotp asks for 112."""

    min_secret_length_bits: ClassVar[int] = 8


def device_of(blob: str) -> Device | None:
    """Return the device whose secret a credential holds in base 32, padded or not; None if it is not a secret."""
    try:
        return Device("".join(blob.split()).rstrip("="), digits=_DIGITS)
    except ValueError:
        return None


def matches(*, user: User | None, given: str) -> bool:
    """Return whether ``given`` is a code of one of the user's devices. A code is good once (RFC 6238, 5.2)."""
    if user is None or len(given) != _DIGITS:
        return False
    now = int(timezone.now().timestamp()) // SECONDS
    for credential in credential_selectors.totp_of(user.pk):
        device = device_of(credentials.blob_of(credential))
        for counter in range(now - WINDOWS + 1, now + 1):
            if device is not None and hmac.compare_digest(device.at(counter).encode(), given.encode()):
                used = f"totp {credential.pk} {counter}"
                return signatures.use_once(used, lasts=timedelta(seconds=SECONDS * (WINDOWS + 1)))
    return False
