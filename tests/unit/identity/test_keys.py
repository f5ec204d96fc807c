"""Fernet keys on disk: private, rotated under running processes, noticed at once."""

import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.identity import keys


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_set_up_once_and_private(fernet_keys: Path, capsys: Any) -> None:
    call_command("fernet_setup")
    first = {entry.name: entry.read_bytes() for entry in fernet_keys.iterdir()}
    assert set(first) == {"0", "1"}
    assert _mode(fernet_keys) == 0o700
    assert {_mode(entry) for entry in fernet_keys.iterdir()} == {0o600}
    call_command("fernet_setup")
    assert {entry.name: entry.read_bytes() for entry in fernet_keys.iterdir()} == first


def test_rotation_promotes_the_staged_key(fernet_keys: Path, capsys: Any) -> None:
    keys.setup()
    staged = (fernet_keys / "0").read_bytes()
    old = keys.seal(b"old")
    call_command("fernet_rotate")
    assert (fernet_keys / "2").read_bytes() == staged
    assert keys.open_token(old) == b"old"
    assert keys.open_token(keys.seal(b"new")) == b"new"


def test_a_token_outlives_one_rotation_and_not_many(fernet_keys: Path) -> None:
    keys.setup()
    token = keys.seal(b"x")
    keys.rotate()
    assert keys.open_token(token) == b"x"
    keys.rotate()
    assert sorted(entry.name for entry in fernet_keys.iterdir()) == ["0", "2", "3"]
    with pytest.raises(keys.InvalidToken):
        keys.open_token(token)


def test_without_keys(fernet_keys: Path) -> None:
    with pytest.raises(keys.KeysMissing):
        keys.seal(b"x")
    with pytest.raises(CommandError):
        call_command("fernet_rotate")
