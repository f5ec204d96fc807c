"""The functions that lock rows have a rank, and docs/decisions/lock-order.md says which they are and how they lock."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.common.lock_order import Rank

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "decisions" / "lock-order.md").read_text()


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the public functions of every locks.py: "compute.server" and its code."""
    for path in sorted((ROOT / "apps").glob("*/locks.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield f"{path.parent.name}.{node.name}", node


def described(strength: str) -> set[str]:
    """Return the functions that the page lists under "FOR UPDATE", or under "FOR NO KEY UPDATE"."""
    paragraph = PAGE.partition(f"\n- `{strength}`")[2]
    end = re.search(r"\n- |\n\n", paragraph)
    return set(re.findall(r"`(\w+\.\w+)`", paragraph[: end.start() if end else None]))


def test_every_function_that_locks_has_a_rank() -> None:
    unranked = [name for name, node in functions() if not any("ranked(" in ast.unparse(d) for d in node.decorator_list)]
    assert not unranked


def test_the_page_has_the_ranks_in_their_order() -> None:
    listed = [name for row in re.findall(r"^\| (`.*?) \|", PAGE, re.M) for name in re.findall(r"`(\w+)`", row)]
    assert listed == [rank.name for rank in Rank]


@pytest.mark.parametrize("strength", ["FOR NO KEY UPDATE", "FOR UPDATE"])
def test_the_page_says_how_strong_each_lock_is(strength: str) -> None:
    texts = {name: ast.unparse(node) for name, node in functions()}
    weak = {name for name, text in texts.items() if "select_for_update(no_key=True" in text}
    strong = {name for name, text in texts.items() if "select_for_update(" in text} - weak
    assert described(strength) == (strong if strength == "FOR UPDATE" else weak)
