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
    ("a" * 255, "a" * 255),
    (".*" + "a" * 200 + ".*", "a" * 201),
    (f"^({'a|' * 60}vm)$", "vm"),
]
REFUSED = [
    r"(a)\1", r"(a|b)*\1", "(?=a)b", "(?!a)b", "(?<=a)b", "(?i)a", "***:a", "*a", "a**", "a+*", "a{2}{3}", "^*", "(",
    ")", "[a", "a{3,1}", "a{256}", "a{99999999999}", "((((a{255}){255}){255}){255})", "(a{50}){50}", "a" * 256,
    "(" * 9 + "a" + ")" * 9, "\\", r"\m", r"\A", r"\x41", "[[.a.]]", "[[=a=]]", "[[:word:]]", "a\0", r"[\1]",
    "a{81}", "(.?){27}", "(|a){41}", "a?" * 27, "[ab]" + "a" * 80, "^a|" + "a" * 80, "(" + "^a|" * 40 + "a)", "a.{80}b",
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


# The costliest of what is taken: sizes at the limit, nested repetitions, optional parts, one character alone.
COSTLY = [
    "a{79}x",
    "^(.?){26}b",
    "^" + "(.*)*" * 8 + "x",
    "((.*)*.*)*x",
    "(.*a.{15}){4}x",
    "((a{1,2}){1,2})+b",
    "^(" + "a|" * 120 + "b)$",
]


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", COSTLY)
def test_the_costliest_is_cheap(pattern: str) -> None:
    """Ten thousand names of 64 characters each within the time that two names would exceed with back-references."""
    patterns.check(pattern, "name")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '2s'")
        cursor.execute("SELECT count(*) FROM generate_series(1, 10000) n WHERE repeat('a', 58) || n ~* %s", [pattern])
        assert cursor.fetchone() is not None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("web-1", "web-1"), (".*web.*", "web"), (r"a\.b\\", "a.b\\"), ("", ""), (".*", "")]
    + [(pattern, None) for pattern in ("^a", "a.b", "a|b", "a*", r"\d", "a\\", r"\ ", "a\0")],
)
def test_plain_text(pattern: str, text: str | None) -> None:
    assert patterns.plain(pattern) == text


def test_parsing_is_linear() -> None:
    started = time.process_time()
    for pattern in ("(" * 255, "a{" * 127, "[[:" * 85, "(a|" * 85, "a{1,2}?" * 36):
        with suppress(BadRequest):
            patterns.check(pattern, "name")
    assert time.process_time() - started < 0.2
