"""Signatures of questions: of this request, by this key, of this minute."""

from typing import Any

import pytest

from apps.metadata import signatures

GIVEN: dict[str, Any] = {"path": "/metadata/v1/documents", "body": b"{}", "now": 1000}
SIGNATURE = signatures.sign("key", **GIVEN)


def test_a_valid_one() -> None:
    for moment in (940, 1000, 1060):
        assert signatures.is_valid(SIGNATURE, "key", **{**GIVEN, "now": moment})


@pytest.mark.parametrize(
    "changes", [{"path": "/metadata/v1/passwords"}, {"body": b"{} "}, {"now": 939}, {"now": 1061}]
)  # fmt: skip
def test_of_another_request_or_time(changes: dict[str, Any]) -> None:
    assert not signatures.is_valid(SIGNATURE, "key", **{**GIVEN, **changes})


@pytest.mark.parametrize("text", ["", ".", "1000", "1000.", "x.y", "²." + "0" * 64, "9" * 5000 + ".", "1000.é"])
def test_nonsense(text: str) -> None:
    assert not signatures.is_valid(text, "key", **GIVEN)


def test_by_another_key() -> None:
    assert not signatures.is_valid(SIGNATURE, "other", **GIVEN)
