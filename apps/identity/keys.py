"""Fernet keys in a directory, as Keystone keeps them: 0 is staged, the highest number is primary, the rest still open.

Files are 0600 in a directory 0700. A process notices a rotation by the directory's modification time.
"""

import base64
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:  # loaded where it is used: agents and the scheduler, which open no token, save 6 MiB each
    from cryptography.fernet import MultiFernet

STAGED = 0
MAX_ACTIVE_KEYS = 3


class InvalidToken(Exception):
    """No present key signed this text."""


class KeysMissing(RuntimeError):
    """There are no keys yet: ``celerity fernet_setup`` makes them."""


def _numbers(directory: Path) -> list[int]:
    """Return the keys' numbers, ascending; files with other names are not keys."""
    return sorted(int(entry.name) for entry in directory.iterdir() if entry.name.isdigit())


@lru_cache(maxsize=4)
def _fernet(directory: Path, _changed: int) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet

    keys = []
    for number in reversed(_numbers(directory)):
        with suppress(FileNotFoundError):  # a rotation is under way: the directory's time changes once more
            keys.append((directory / str(number)).read_bytes().strip())
    if not keys:
        raise KeysMissing(f"no Fernet keys in {directory}: run celerity fernet_setup")
    return MultiFernet([Fernet(key) for key in keys])


def _changed(directory: Path) -> int:
    try:
        return os.stat(directory).st_mtime_ns
    except FileNotFoundError:
        raise KeysMissing(f"{directory} does not exist: run celerity fernet_setup") from None


def seal(payload: bytes, directory: Path | None = None) -> str:
    """Return the token that holds ``payload``, signed and encrypted with the primary key."""
    directory = directory or settings.FERNET_KEY_DIR
    return _fernet(directory, _changed(directory)).encrypt(payload).rstrip(b"=").decode()


def _decrypt(padded: str, directory: Path, changed: int) -> bytes:
    from cryptography import fernet

    try:
        return _fernet(directory, changed).decrypt(padded.encode())
    except fernet.InvalidToken:
        raise InvalidToken from None


def unseal(text: str, directory: Path) -> bytes:
    """Decrypt what ``seal`` encrypted with a directory's keys. Raises InvalidToken. Remembers nothing."""
    return _decrypt(text + "=" * (-len(text) % 4), directory, _changed(directory))


@lru_cache(maxsize=4096)
def _opened(token: str, directory: Path, changed: int) -> bytes:
    padded = token + "=" * (-len(token) % 4)
    # Decoders ignore characters outside the alphabet and unused trailing bits, so one token would have many texts.
    if base64.urlsafe_b64encode(base64.urlsafe_b64decode(padded)).decode().rstrip("=") != token:
        raise InvalidToken
    return _decrypt(padded, directory, changed)


def open_token(token: str) -> bytes:
    """Return a token's payload. Raises InvalidToken when no present key signed it.

    Only the decryption is remembered, never the answer whether a token is good.
    """
    directory = settings.FERNET_KEY_DIR
    try:
        return _opened(token, directory, _changed(directory))
    except ValueError:  # not ASCII, not base64
        raise InvalidToken from None


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(directory: Path, number: int) -> None:
    """Put a new key in place in one move, so that no reader finds half of it."""
    from cryptography.fernet import Fernet

    temporary = directory / f".{number}.new"
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(directory / str(number))


def setup(directory: Path | None = None) -> bool:
    """Make a primary and a staged key where there are none. Returns whether it did."""
    directory = directory or settings.FERNET_KEY_DIR
    with _locked(directory):
        if _numbers(directory):
            return False
        _write(directory, STAGED)
        _write(directory, 1)
        return True


def rotate(directory: Path | None = None, *, keep: bool = False) -> int:
    """Make the staged key primary, stage a new one, drop the oldest (``keep``: none). Returns the primary's number.

    Every process has known the staged key since the last rotation, so no token is refused meanwhile.
    """
    directory = directory or settings.FERNET_KEY_DIR
    with _locked(directory):
        numbers = _numbers(directory)
        if not numbers:
            raise KeysMissing(f"no Fernet keys in {directory}: run celerity fernet_setup")
        primary = numbers[-1] + 1
        if STAGED not in numbers:
            _write(directory, STAGED)
        (directory / str(STAGED)).rename(directory / str(primary))
        _write(directory, STAGED)
        if not keep:
            _drop_old(directory)
        return primary


def drop_old(directory: Path) -> None:
    """Drop the keys of before the last rotation but one, once nothing needs them: what ``rotate`` has kept."""
    with _locked(directory):
        _drop_old(directory)


def _drop_old(directory: Path) -> None:
    active = [number for number in _numbers(directory) if number != STAGED]
    for number in active[: max(0, len(active) - (MAX_ACTIVE_KEYS - 1))]:
        (directory / str(number)).unlink()
