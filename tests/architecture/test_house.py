"""Rules of the code base that a test can check: import contracts, sizes, names, first lines."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("apps", "cloud", "workers", "deploy")
MODULE_LINES, FUNCTION_LINES = 400, 40
FORBIDDEN_NAMES = ("utils", "helpers", "manager", "misc")


def modules() -> list[Path]:
    found = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_imports_run_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-logo"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_modules_are_small() -> None:
    assert not [path for path in modules() if len(path.read_text().splitlines()) > MODULE_LINES]


def test_functions_are_small() -> None:
    long = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES:
                long.append(f"{path.relative_to(ROOT)}:{node.name}")
    assert not long


def test_line_one_says_what_the_room_is_for() -> None:
    without = []
    for path in modules():
        text = path.read_text()
        if text.strip() and path.name != "manage.py" and not ast.get_docstring(ast.parse(text)):
            without.append(path)
    assert not names(without)


def test_no_catch_all_names() -> None:
    assert not names([path for path in modules() if path.stem in FORBIDDEN_NAMES])


# Views whose noun has no rows in its application: app -> module -> whose rows it shows, or none.
OTHERS_NOUNS = {
    "compute": {
        "actions": "servers, by the catalogue of actions",
        "aggregates": "scheduling",
        "discovery": "none: versions",
        "extensions": "none: a list of names",
        "flavor_access": "flavors",
        "flavor_extra_specs": "flavors",
        "floating_ips": "networking",
        "hosts": "scheduling",
        "images": "images, through Nova's proxy",
        "ips": "networking",
        "limits": "quotas",
        "remote_consoles": "none: no host has any",
        "shares": "none: no service has any",
        "networks": "networking, through nova-network's calls",
        "not_offered": "none: refusals",
        "proxies": "none: calls that Nova removed",
        "quota_class_sets": "quotas",
        "security_groups": "networking, through nova-network's calls",
        "topology": "none: servers have no NUMA topology",
        "usage_audit_log": "scheduling",
        "volumes": "volumes, through Nova's proxy",
    },
    "identity": {"targets": "none: what other views share", "versions": "none"},
    "images": {"files": "images: their data", "schemas": "none: JSON schemas", "versions": "none"},
    "metadata": {},
    "networking": {"qos_rule_types": "none: a list of names", "versions": "none"},
    "volumes": {
        "extensions": "none: lists of names",
        "extra_specs": "volume_types",
        "group_snapshots": "groups",
        "not_offered": "none: refusals",
        "versions": "none",
        "volume_actions": "volumes, by the key of an action",
    },
}


def test_each_noun_has_one_module_name() -> None:
    """A view's module has the name of its noun on the floors of services, selectors or models, or is listed above."""
    found: dict[str, set[str]] = {}
    for views in sorted((ROOT / "apps").glob("*/api/views")):
        app = views.parent.parent
        floors = {path.stem for floor in ("services", "selectors", "models") for path in (app / floor).glob("*.py")}
        found[app.name] = {path.stem for path in views.glob("*.py")} - {"__init__", "base"} - floors
    assert found == {app: set(modules) for app, modules in OTHERS_NOUNS.items()}


@pytest.mark.parametrize("banned", ["shell=True", "os.system(", "mark_safe(", "|safe"])
def test_banned_text(banned: str) -> None:
    """OSSA 2014-012 (shells) and class 16 (unescaped text)."""
    hits = [path for path in modules() if banned in path.read_text() and "architecture" not in path.parts]
    assert not names(hits)


def test_libvirt_is_imported_in_one_folder() -> None:
    home = ROOT / "workers" / "drivers" / "hypervisor" / "libvirt"
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            imported = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] in ("libvirt", "libvirt_qemu") for name in imported):
                assert path.is_relative_to(home), path
