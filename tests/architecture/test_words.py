"""Words that may not come back in code: former names, filler names, and paraphrases of terms of art (docs/words.md)."""

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("apps", "cloud", "workers", "deploy", "bench")
FORMER_MODULES = {
    "belongings": "project_resources",
    "proofs": "auth_methods",
    "guards": "throttling",
    "delegating": "delegation_rules",
    "saving": "row_writes",
    "powers": "privileges",
    "dressing": "widgets",
    "shown": "cells",
    "wishes": "server_requests",
    "rehearsals": "dry_runs",
    "chosen": "enabled",
    "guarded": "isolated",
    "layers": "middleware",
    "absent": "import_guard",
    "stories": "explain",
    "progress": "server_states",
}
FORMER_NAMES = {
    "SignIn": "AuthRequest",
    "Proof": "Authenticated",
    "Standing": "ScopedUser",
    "Place": "name the kind of place",
    "Look": "FindingReport",
    "Round": "HostSnapshot",
    "Wish": "ServerRequest",
    "NetworkWish": "RequestedNetwork",
    "BlockDeviceWish": "RequestedDisk",
    "Companion": "ClaimExtension",
    "Rehearsal": "DryRun",
    "Demand": "RequestSpec",
    "at_rest": "idle",
    "let_go": "release",
    "letting_go": "release",
    "lack": "distance",
    "prove": "authenticate",
    "unplace": "clear_host",
    "starts_over": "is_restart",
}
# Phrase in docstrings and comments -> better. `test_wording.py` has those of texts that users read.
PROSE = {
    r"\bsee the contract\b": "inherit the docstring",
    r"\blent\b|\bpowers? lent\b": "delegation",
    r"\bthe books\b": "usage",
    r"\bat rest\b": "idle",
    r"\banew\b": "again",
    r"\bwhoever\b": "name who it is",
    r"\b(is|are|was|were) told\b|\btold by\b": "report, show",
    r"\bon purpose\b": "name the purpose",
    r"\bthe bits\b|\bimage's bits\b": "data",
    r"\bof (its|their|your|his) own\b": "its own, separate",
    r"\bfor who\b": "name who it is",
    r"\blet go\b": "release",
    r"\bput right\b|\bset right\b": "fix, correct",
}
FILLERS = ("found", "look", "one", "told")  # say what it is: server, row, matches, reason
COLUMNS = {"apps/workflow/models/findings.py", "apps/workflow/services/findings.py"}  # a column is called "found"


@cache
def modules() -> tuple[Path, ...]:
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return tuple(path for path in paths if "migrations" not in path.parts)


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text())))


def names(path: Path) -> Iterator[tuple[int, str]]:
    """Return the classes, functions, parameters and variables that a module binds, with their lines."""
    for node in nodes(path):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name.strip("_")
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


@cache
def prose(path: Path) -> tuple[tuple[int, str], ...]:
    """Return comments line by line, those behind code too, and docstrings as one text each."""
    return tuple(_prose(path))


def _prose(path: Path) -> Iterator[tuple[int, str]]:
    with tokenize.open(path) as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    for node in nodes(path):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and (docstring := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), " ".join(docstring.split())


def test_former_modules_stay_away() -> None:
    assert not [str(path.relative_to(ROOT)) for path in modules() if path.stem in FORMER_MODULES]


def test_former_names_stay_away() -> None:
    hits = [
        f"{path.relative_to(ROOT)}:{line}: {name}, better {FORMER_NAMES[name]}"
        for path in modules()
        for line, name in names(path)
        if name in FORMER_NAMES
    ]
    assert not hits


@pytest.mark.parametrize(("phrase", "better"), PROSE.items(), ids=[str(n) for n in range(len(PROSE))])
def test_prose(phrase: str, better: str) -> None:
    hits = [
        f"{path.relative_to(ROOT)}:{line}: {text.strip()[:100]}"
        for path in (*modules(), *sorted((ROOT / "tests").rglob("*.py")))
        for line, text in prose(path)
        if re.search(phrase, text, re.IGNORECASE)
    ]
    assert not hits, f"better: {better}"


def test_names_say_what_they_hold() -> None:
    hits = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in modules()
        if str(path.relative_to(ROOT)) not in COLUMNS
        for line, name in names(path)
        if name in FILLERS
    ]
    assert not hits
