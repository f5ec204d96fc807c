"""One API kit: lists, sorting, markers, limits, words and times are read in apps/common/api, policy only by front ends.

A second dialect of one concern fails here. What differs between OpenStack's services is data (a ``QueryStyle`` and a
``Listing`` of each app), and no copy of the code.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
KIT = ROOT / "apps" / "common" / "api"
API_FLOORS = ("api", "selectors")
# Functions of the kit, under the names that their copies had.
READERS = re.compile(
    r"_?(boolean|truth|marker|page|paged|sort|sorting|order|order_of|limit|limit_of|offset|fields|only|next_link"
    r"|parse_datetime|split_in|by_tags|tagged)"
)
# Methods that hand a parameter to the app's style, and what has one of these names for another reason.
MEANT = {
    ("apps/compute/selectors/server_lists.py", "boolean"),
    ("apps/compute/api/views/flavors.py", "page"),
    ("apps/identity/selectors/projects.py", "_tagged"),
}
TIMES = ("parse_datetime", "strftime")
WITH_OWN_TIMES = {"apps/compute/api/documents/usage_audit_log.py"}  # a form of this call alone
# Who may ask policy: front ends (views, their permissions, admin pages and commands) and what registers rules.
FRONT_ENDS = ("api", "admin", "admin.py", "apps.py", "management")
# Import names of a floor: the module's noun, or the floor, or a noun with its floor.
BEFORE_ALL_NOUNS = ("bootstrap", "filters", "capacity")
FLOORS = ("selectors", "services", "documents", "serializers")


@cache
def trees() -> dict[str, ast.Module]:
    paths = [path for path in sorted((ROOT / "apps").rglob("*.py")) if "migrations" not in path.parts]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


def outside_the_kit() -> Iterator[tuple[str, ast.Module]]:
    for path, tree in trees().items():
        parts = path.split("/")
        if (ROOT / path).is_relative_to(KIT) or parts[1] == "common" or not set(API_FLOORS) & set(parts[2:3]):
            continue
        yield path, tree


def test_parameters_are_read_by_the_kit() -> None:
    copies = [
        f"{path}:{node.name}"
        for path, tree in outside_the_kit()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and READERS.fullmatch(node.name) and (path, node.name) not in MEANT
    ]
    assert not copies, "apps/common/api/{collections,queries,documents}.py has it: declare what differs as data"


def test_what_is_meant_is_there() -> None:
    """The exceptions shrink with the code."""
    named = {(path, node.name) for path, tree in trees().items() for node in ast.walk(tree)
             if isinstance(node, ast.FunctionDef)}  # fmt: skip
    assert named >= MEANT
    assert set(trees()) >= WITH_OWN_TIMES


def test_times_are_read_and_written_by_the_kit() -> None:
    copies = [
        f"{path}:{node.lineno}"
        for path, tree in outside_the_kit()
        for node in ast.walk(tree)
        if path not in WITH_OWN_TIMES
        if (isinstance(node, ast.Attribute) and node.attr in TIMES)
        or (isinstance(node, ast.alias) and node.name in TIMES)
    ]
    assert not copies, "queries.moment reads a time; documents.seconds and documents.microseconds write one"


def test_front_ends_alone_ask_policy() -> None:
    asking = [
        path
        for path, tree in trees().items()
        if not set(FRONT_ENDS) & set(path.split("/")[2:])
        if not path.startswith("apps/common/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "apps.common"
        if any(alias.name == "policy" for alias in node.names)
    ]
    assert not asking, "a view checks policy (api/permissions.py), then calls a service, which trusts it"


def test_selectors_and_services_know_no_requests() -> None:
    knowing = [
        f"{path}:{node.lineno}"
        for path, tree in trees().items()
        if set(path.split("/")[2:3]) & {"selectors", "services"}
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and re.match(r"rest_framework|django\.http", node.module or "")
    ]
    assert not knowing


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_has_one_import_name(floor: str) -> None:
    wrong = [
        f"{path}:{node.lineno} {alias.name} as {alias.asname}"
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and re.fullmatch(rf"apps\.\w+\.(api\.)?{floor}", node.module or "")
        for alias in node.names
        if alias.asname and alias.asname != floor and not alias.asname.endswith(f"_{floor}")
        if alias.name not in BEFORE_ALL_NOUNS
    ]
    assert not wrong, f"import it as {floor}, or another noun's as <noun>_{floor}"


def test_documents_are_rendered_on_their_own_floor() -> None:
    """Serializers only parse, and views render by api/documents."""
    rendering = [
        f"{path}:{node.name}"
        for path, tree in trees().items()
        if "/api/serializers/" in path or "/api/views/" in path
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and re.match(r"_?(render|document|full|brief)", node.name)
    ]
    assert not rendering


def test_the_api_floor_asks_selectors_for_rows() -> None:
    querying = [
        f"{path}:{node.lineno}"
        for path, tree in trees().items()
        if path.split("/")[2:3] == ["api"]
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "objects"
    ]
    assert not querying
