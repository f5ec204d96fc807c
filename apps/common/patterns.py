"""Regular expressions that tenants may send: a subset that PostgreSQL matches within a budget.

Taken are literals, ``.``, ``[classes]``, ``^``, ``$``, ``\\d \\w \\s`` and their opposites, groups, alternatives and
repetitions. Back-references, lookarounds and options are refused: the first two cost exponential time. The rest costs
the length of the text times the number of places in the pattern where a match may be at once, so that number is
bounded. Counted repetitions are written out first: their sizes multiply. An optional part counts three times, as every
way around it costs as well. Plain text is no pattern (``plain``), and a pattern that begins with ``^`` and
repeats nothing is at one place of each alternative only: both may be as long as a name.
"""

import re

from apps.common.exceptions import BadRequest

MAX_LENGTH = 255  # characters
MAX_SIZE = 80  # single characters to match, counted repetitions written out, optional ones counted thrice
OPTIONAL = 3  # what an optional part counts
MAX_DEPTH = 8  # groups within groups
MAX_COUNT = 255  # of a repetition, as in PostgreSQL
_SHORTHANDS = frozenset("dwsDWS")
_CLASS_NAMES = frozenset(
    {"alpha", "upper", "lower", "digit", "xdigit", "alnum", "space", "blank", "punct", "print", "graph", "cntrl"}
)


_PLAIN = re.compile(r"(?:\.\*)?((?:[^\\.^$*+?()\[\]{}|\0]|\\[^\sa-zA-Z0-9])*)(?:\.\*)?")


class _Refused(Exception):
    """Why a pattern is not taken, in words for the user."""


def check(text: str, name: str) -> str:
    """Return ``text``, the value of the query parameter ``name``. Raises BadRequest (400) that says what is wrong."""
    try:
        if len(text) > MAX_LENGTH:
            raise _Refused(f"it is longer than {MAX_LENGTH} characters")
        if plain(text) is None:
            _Parser(text).whole()
    except _Refused as refused:
        raise BadRequest(f"Invalid input for query parameters {name}. Value: {text[:64]}. {refused}.") from None
    return text


def plain(text: str) -> str | None:
    """Return the text that a pattern looks for if it is nothing but text, with or without ``.*`` around it."""
    match = _PLAIN.fullmatch(text)
    return re.sub(r"\\(.)", r"\1", match[1]) if match else None


class _Parser:
    """A recursive descent over one pattern, which adds up its size; recursion is bounded by MAX_DEPTH."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._anchored = True  # every alternative of the whole begins with ^
        self._repeats = False

    def whole(self) -> None:
        size = self._alternatives(0)
        if self._at < len(self._text):
            raise _Refused("A closing parenthesis has no opening one")
        if size > MAX_SIZE and (self._repeats or not self._anchored):
            raise _Refused(
                f"It is larger than {MAX_SIZE} characters with its repetitions written out, optional parts counted "
                "three times; only plain text, and patterns that begin with ^ and repeat nothing, may be longer"
            )

    def _next(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _take(self) -> str:
        char = self._next()
        self._at += 1
        return char

    def _alternatives(self, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise _Refused(f"Groups are nested more than {MAX_DEPTH} deep")
        size = 0
        while True:
            self._anchored &= depth > 0 or self._next() == "^"
            size += max(1, self._sequence(depth))  # one without anything makes the others optional
            if self._next() != "|":
                return size
            self._at += 1

    def _sequence(self, depth: int) -> int:
        size = 0
        while self._next() not in ("", "|", ")"):
            repeatable, atom = self._atom(depth)
            size += atom * self._count(repeatable)
        return size

    def _atom(self, depth: int) -> tuple[bool, int]:
        """Return whether the next part can be repeated, and its size."""
        char = self._take()
        if char in "^$":
            return False, 1
        if char in "*+?" or (char == "{" and self._next().isdigit()):
            raise _Refused("A repetition has nothing to repeat")
        if char == "(":
            return True, self._group(depth)
        if char == "[":
            self._bracket()
        elif char == "\\":
            self._escape()
        elif char == "\0":
            raise _Refused("It must not have NUL characters")
        return True, 1

    def _group(self, depth: int) -> int:
        if self._next() == "?":
            if self._text[self._at : self._at + 2] != "?:":
                raise _Refused("Lookarounds and options, (?…), are not accepted")
            self._at += 2
        size = self._alternatives(depth + 1)
        if self._take() != ")":
            raise _Refused("A group is not closed")
        return size

    def _escape(self) -> None:
        char = self._take()
        if char == "":
            raise _Refused("It ends with a backslash")
        if char.isdigit():
            raise _Refused("Back-references are not accepted")
        if char.isalnum() and char not in _SHORTHANDS:
            raise _Refused(f"The escape \\{char} is not accepted")

    def _bracket(self) -> None:
        if self._next() == "^":
            self._at += 1
        first = True
        while (char := self._take()) != "]" or first:
            first = False
            if char == "":
                raise _Refused("A class is not closed")
            if char == "\\":
                self._escape()
            elif char == "[" and self._next() in (":", ".", "="):
                self._named_class()

    def _named_class(self) -> None:
        end = self._text.find(":]", self._at)
        if self._next() != ":" or end < 0 or self._text[self._at + 1 : end] not in _CLASS_NAMES:
            raise _Refused("Only classes such as [:alpha:] are accepted within brackets")
        self._at = end + 2

    def _count(self, repeatable: bool) -> int:
        """Read a repetition, if one follows. Return how often its part counts."""
        char = self._next()
        if char not in ("*", "+", "?") and not (char == "{" and self._text[self._at + 1 : self._at + 2].isdigit()):
            return 1
        if not repeatable:
            raise _Refused("A repetition has nothing to repeat")
        self._at += 1
        self._repeats = True
        count = self._bounds() if char == "{" else 1 if char == "+" else OPTIONAL
        if self._next() == "?":  # as few as possible
            self._at += 1
        if self._next() in ("*", "+", "?"):
            raise _Refused("A repetition cannot be repeated without a group")
        return count

    def _bounds(self) -> int:
        text, closed, _ = self._text[self._at :].partition("}")
        least, _, most = text.partition(",")
        numbers = [number for number in (least, most) if number]
        if not closed or not all(n.isascii() and n.isdigit() and int(n[:4]) <= MAX_COUNT for n in numbers):
            raise _Refused(f"A repetition must be {{m}}, {{m,}} or {{m,n}} with numbers of at most {MAX_COUNT}")
        if most and int(least) > int(most):
            raise _Refused("A repetition's first number must not be greater than its second")
        self._at += len(text) + 1
        fixed = int(least) == int(most or least)
        return max(1, *(int(number) for number in numbers)) * (1 if fixed else OPTIONAL)
