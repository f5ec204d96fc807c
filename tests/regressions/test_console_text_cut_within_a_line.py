"""The console's text began in the middle of a line when the log was longer than its limit."""

import pytest

from workers.host.http import whole_lines


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        (b"one\ntwo\n", 8, b"one\ntwo\n"),
        (b"one\ntwo\n", 7, b"two\n"),
        (b"one\ntwo\n", 4, b"two\n"),
        (b"one\ntwo\n", 3, b""),
        (b"x" * 10, 4, b"xxxx"),
        (b"", 4, b""),
    ],
)
def test_the_head_is_the_beginning_of_a_line(text: bytes, limit: int, expected: bytes) -> None:
    assert whole_lines(text, limit) == expected
