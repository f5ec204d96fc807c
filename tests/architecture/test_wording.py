"""Phrases that may not come back on pages, in messages and in guides: write verb and object, active, plain."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BANNED = {
    r"\b(is|are|was) told\b": "report, show, say",
    r"\btold by\b|\btells (clients|people|you) what\b": "report, show",
    r"\banew\b": "again",
    r"\bof (its|their|your|his) own\b": "its own, separate",
    r"\bholds? again\b": "applies",
    r"\bEmpty: ": "Leave empty to …",
    r"(?<![\w-])-1: unlimited": "-1 means unlimited",
    r"\bgoes? on\b(?! to)": "continues, keeps running",
    r"\bwhat (is|was) (under way|there|left|asked for|done|in it)\b": "name the thing",
    r"\bnobody (reads|works|answers)\b": "no worker reads …",
    r"\bthe bits\b": "the data",
    r"\bbooks\b": "usage, records",
    r"\bchooses? this host no more\b|\btakes no new servers\b": "No new servers will be placed here.",
    r"\bhosts? considered\b|\bhosts? looked at\b": "hosts checked",
    r"\btried before or ruled out\b": "already tried for this server",
    r"\b(servers|what runs there) (are|is) gone\b": "later",
    r"\blooks?, admin acts\b|\bmay look\b": "can view",
    r"\bIt has written nothing\b|\bNothing is claimed\b|\bNothing waits\b": "No … yet.",
    r"\bwhoever\b": "who, everybody who",
    r"\bis not there\b|\bare not there\b": "does not exist",
    r"\blies in the past\b|\blies behind\b": "is in the past",
    r"\bon purpose\b": "name the purpose",
    r"\bstands? (there|in paths|above|below|beside|alone)\b": "is",
    r"\"No longer forced down": "Clear “forced down”",
    r"\bCreate a new item\b": "words of the page",
    r"\bmanage\.py [a-z]": "celerity …",
    r"\bat rest\b": "idle",
    r"\bwhat follows\b": "consequences",
    r"\btakes? the lock away\b|\block is let go\b": "revokes, releases",
    r"\bas surely as\b|\bby the same eye\b|\bcode of then\b": "plain words",
    r"\bis what it does\b|\bwhat it sees\b|\bwhat bounds\b": "name the thing",
    r"\bwhere nothing is there\b|\bno row owns\b": "absent, orphan",
}
LEFT = {"docs/policies.md", "docs/conformance.md"}  # frozen texts, and generated ones


def literals(path: Path) -> Iterator[str]:
    """Return the texts of a module that people may read: literals of three words and more, no docstrings."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {id(node.body[0].value) for node in ast.walk(tree)
                  if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            text = " ".join(re.sub(r"(?m)^\s*#.*$", "", node.value).split())  # comments of generated files are none
            if len(text.split()) > 2 and not re.search(r"\b(SELECT|UPDATE|INSERT|DELETE FROM)\b", text):
                yield text


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Return (place, text) of everything that users and operators read."""
    return tuple(_texts())


def _texts() -> Iterator[tuple[str, str]]:
    for room in ("apps", "cloud", "workers", "deploy"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if not {"migrations", "models"} & set(path.parts):  # a model's help text is part of its migrations
                yield from ((str(path.relative_to(ROOT)), text) for text in literals(path))
    for path in sorted((ROOT / "cloud" / "templates").rglob("*.html")):
        without = re.sub(r"{#.*?#}|{%.*?%}|<style>.*?</style>", " ", path.read_text(), flags=re.DOTALL)
        yield str(path.relative_to(ROOT)), without
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        if str(path.relative_to(ROOT)) not in LEFT:
            yield str(path.relative_to(ROOT)), path.read_text()


@pytest.mark.parametrize(("phrase", "better"), BANNED.items(), ids=[str(n) for n in range(len(BANNED))])
def test_wording(phrase: str, better: str) -> None:
    found = [
        f"{place}: …{text[max(0, hit.start() - 40) : hit.end() + 40]}…"
        for place, text in texts()
        for hit in re.finditer(phrase, text, re.IGNORECASE)
    ]
    assert not found, f"better: {better}"
