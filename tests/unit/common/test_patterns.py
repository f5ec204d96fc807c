"""Which regular expressions tenants may send, and that PostgreSQL and we agree on those."""

import time
from contextlib import suppress

import pytest
from django.db import connection

from apps.common import patterns
from apps.common.exceptions import BadRequest

TAKEN = [
    ("^vm1$", "vm1"),
    (r"^a\.b$", "a.b"),
    ("vm-[0-9]+", "x-vm-12"),
    ("(web|db)-(a|b){2}", "web-ab"),
    ("(?:ab)+c", "ababc"),
    (r"\d{1,3}\.\d+", "10.64"),
    ("[[:alpha:]]_[^]x-]", "a_b"),
    ("a{,2}|x{y", "x{y"),
    ("((a*)*)*b", "aab"),
    (r"a.*?b$", "acb"),
    ("^10[.]", "10.1.2.3"),
    ("", "anything"),
]
REFUSED = [
    r"(a)\1", r"(a|b)*\1", "(?=a)b", "(?!a)b", "(?<=a)b", "(?i)a", "***:a", "*a", "a**", "a+*", "a{2}{3}", "^*", "(",
    ")", "[a", "a{3,1}", "a{256}", "a{99999999999}", "((((a{255}){255}){255}){255})", "(a{50}){50}", "a" * 256,
    "(" * 9 + "a" + ")" * 9, "\\", r"\m", r"\A", r"\x41", "[[.a.]]", "[[=a=]]", "[[:word:]]", "a\0", r"[\1]",
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("pattern", "text"), TAKEN)
def test_taken(pattern: str, text: str) -> None:
    assert patterns.check(pattern, "name") == pattern
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s ~* %s", [text, pattern])
        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize("pattern", REFUSED)
def test_refused(pattern: str) -> None:
    with pytest.raises(BadRequest, match="name"):
        patterns.check(pattern, "name")


# The costliest of what is taken: sizes at the limit, repetitions within repetitions, classes of everything.
COSTLY = [
    "(((((((.*)*.*)*.*)*.*)*.*)*.*)*.*)*x",
    "(.*a.{200}){4}x",
    "((a|b|ab)*(b|c|bc)*){12}x",
    "(x?){200}(x+x+)+y",
    "([^a]*[^b]*[^c]*){60}z",
    "(((a{1,9}){1,9}){1,9})+b",
]


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", COSTLY)
def test_the_costliest_is_cheap(pattern: str) -> None:
    """A thousand names of 255 characters each, under a time limit that back-references break with one."""
    patterns.check(pattern, "name")
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '5s'")
        cursor.execute(
            "SELECT count(*) FROM generate_series(1, 1000) n WHERE repeat(substr('abxabcab', 1 + n %% 5, 3), 85) ~* %s",
            [pattern],
        )
        cursor.fetchone()
    assert time.monotonic() - started < 5


def test_parsing_is_linear() -> None:
    started = time.process_time()
    for pattern in ("(" * 255, "a{" * 127, "[[:" * 85, "(a|" * 85, "a{1,2}?" * 36):
        with suppress(BadRequest):
            patterns.check(pattern, "name")
    assert time.process_time() - started < 0.2
