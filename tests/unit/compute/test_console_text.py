"""Of a guest's control sequences only colours reach the terminal of a console's reader."""

import time

import pytest

from apps.compute.services import console_text

CASES = [
    ("plain\r\ntext\ttab\n", "plain\ntext\ttab\n"),
    ("\x1b[0;32m  OK  \x1b[0m done", "\x1b[0;32m  OK  \x1b[0m done"),
    ("a\x1b]0;title\x07b", "ab"),
    ("a\x1b]52;c;ZWNobyBvd25lZA==\x1b\\b", "ab"),
    ("a\x1bP1;2|6b6b\x1b\\b", "ab"),
    ("a\x1b[2J\x1b[Hb\x1b[6n", "ab"),
    ("a\x1b[?1049hb\x1bcc\x1b(B", "abc"),
    ("a\x9b31mb\x9d0;t\x9cc", "abc"),
    ("a\x00\x07\x08\x7f\x85b", "ab"),
    ("end\x1b", "end"),
    ("end\x1b[", "end"),
    ("Cloud-init v. 22.4.2 finished at Thu, 01 Jan 2026", "Cloud-init v. 22.4.2 finished at Thu, 01 Jan 2026"),
]


@pytest.mark.parametrize(("raw", "text"), CASES)
def test_clean(raw: str, text: str) -> None:
    assert console_text.clean(raw.encode(), cut=False) == text


def test_a_line_that_lost_its_beginning_is_left_out() -> None:
    """Readers look for lines as a whole: `^Cloud-init …`."""
    assert console_text.clean(b"nit v. 1\nsecond\n", cut=True) == "second\n"
    assert console_text.clean(b"one long line", cut=True) == "one long line"


@pytest.mark.parametrize("part", ["\x1b]", "\x1b[0;", "\x1b", "\x1bP", "\x9d", "\x1b[ "])
def test_it_is_linear(part: str) -> None:
    started = time.process_time()
    console_text.clean((part * 100_000).encode()[:102400], cut=False)
    assert time.process_time() - started < 1
