"""SQL stays in its rooms: a table is named in its own application's ``sql`` alone, the formula of capacity once."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
OWNERS = {
    model._meta.db_table: config.label
    for config in apps.get_app_configs()
    if config.name.startswith("apps.")
    for model in config.get_models(include_auto_created=True)
}
TABLE = re.compile(rf"\b(?:{'|'.join(sorted(OWNERS, key=len, reverse=True))})\b")
# Who reads (never writes) the tables of several applications.
ALLOWED = {
    "apps/operations": "reads all applications: consistency, metrics",
    "apps/scheduling/candidates": "scheduling's own tables, read by a statement of its own room",
    "deploy/backup.py": "asks which images to copy while no process of the cloud need run",
    "deploy/checks/volumes.py": "asks whether rows need keys that are lost",
}


@cache
def texts(path: Path) -> tuple[str, ...]:
    """Return the texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return tuple(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    )


def named(path: Path) -> set[str]:
    """Return the tables that a module's statements name."""
    return {table for text in texts(path) for table in TABLE.findall(text)}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield modules that may run SQL: migrations write schemas, pages name models in the names of their URLs."""
    for room in ("apps", "cloud", "workers", "deploy"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if not {"migrations", "models", "admin"} & set(path.parts):
                yield str(path.relative_to(ROOT)), path


def home(table: str) -> str:
    return f"apps/{OWNERS[table]}/sql/"


def test_a_table_is_named_in_its_own_applications_sql_alone() -> None:
    strangers = [
        f"{name}: {table}, of {home(table)}"
        for name, path in modules()
        for table in sorted(named(path))
        if not name.startswith((home(table), *ALLOWED))
    ]
    assert not strangers


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_what_is_allowed_is_needed(room: str) -> None:
    assert any(named(path) for name, path in modules() if name.startswith(room))


@pytest.mark.parametrize("formula", [r"_ratio\)(?!s)\s*(?:-|::)|\*\s*i\.\w+_ratio", r"heartbeat_at\s*[<>]=?\s*now\(\)"])
def test_capacity_and_up_are_written_once(formula: str) -> None:
    places = [name for name, path in modules() if any(re.search(formula, text) for text in texts(path))]
    assert places == ["apps/scheduling/sql/capacity.py"]


def test_locks_are_taken_by_named_functions() -> None:
    lock = re.compile(r"select_for_update|advisory_(?:xact_)?lock|FOR (?:NO KEY )?UPDATE|LOCK TABLE")
    strangers = [
        name
        for name, path in modules()
        if name.startswith(("apps/", "cloud/", "workers/"))
        and lock.search(path.read_text())
        and not name.endswith("/locks.py")
        and "/sql/" not in name
    ]
    assert not strangers
