"""Signatures of the questions that hosts' metadata processes ask the API. Without Django: those processes have none."""

import hashlib
import hmac

HEADER = "X-Celerity-Signature"
SECONDS = 60  # how far the clocks of a host and of the API may differ
_PURPOSE = b"celerity: questions of metadata processes"


def sign(secret: str, *, path: str, body: bytes, now: int) -> str:
    """Return the signature of a request: the time in Unix seconds, and a digest of time, path and body."""
    key = hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).digest()
    text = f"{now}\n{path}\n{hashlib.sha256(body).hexdigest()}"
    return f"{now}.{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}"


def is_valid(signature: str, secret: str, *, path: str, body: bytes, now: int) -> bool:
    """Say whether a request carries a signature of this secret that is not older than ``SECONDS``."""
    time, _, _ = signature.partition(".")
    if not time.isascii() or not time.isdigit() or len(time) > 12 or abs(now - int(time)) > SECONDS:
        return False
    expected = sign(secret, path=path, body=body, now=int(time))
    return hmac.compare_digest(expected.encode(), signature.encode())
