"""Administrators' passwords of new servers: generated, and encrypted until the config drive has them."""

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:  # loaded where it is used: most agents never open a password, and save 6 MiB
    from cryptography.fernet import Fernet

LENGTH = 16
MAX_LENGTH = 255  # characters of a password that a client gives
# Without characters that look alike (0 O, 1 l I): people type it at a console.
_ALPHABETS = ("23456789", "ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnopqrstuvwxyz")
_PURPOSE = b"celerity: administrators' passwords of servers"


def generate() -> str:
    """Return 16 letters and digits (92 bits), at least one of each kind, in random order."""
    everything = "".join(_ALPHABETS)
    chosen = [secrets.choice(alphabet) for alphabet in _ALPHABETS]
    chosen += [secrets.choice(everything) for _ in range(LENGTH - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


@lru_cache(maxsize=2)
def _cipher(secret: str) -> "Fernet":
    """Return the cipher of this cloud: the key is derived from the secret that API and host agents share."""
    from cryptography.fernet import Fernet

    key = hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def seal(password: str) -> str:
    """Return the password encrypted, for the server's row."""
    return _cipher(settings.SECRET_KEY).encrypt(password.encode()).decode() if password else ""


def unseal(text: str) -> str:
    """Return the password; "" for none, and for one that another secret key encrypted: it cannot be read any more."""
    if not text:
        return ""
    from cryptography.fernet import InvalidToken

    try:
        return _cipher(settings.SECRET_KEY).decrypt(text.encode()).decode()
    except InvalidToken:
        return ""
