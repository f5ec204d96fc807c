"""The operators' documents are correct: settings and their defaults, commands, links."""

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
ROW = re.compile(r"^\| `(CELERITY_\w+)` \|([^|]*)\|", re.MULTILINE)
NAME = re.compile(r"CELERITY_[A-Z0-9_]*[A-Z0-9]\b")
# Not settings of a cloud: the Makefile and the supervisor set them for one process.
OF_A_PROCESS = {"CELERITY_GROUPS", "CELERITY_PROCESS", "CELERITY_RELEASE", "CELERITY_TEST_LIBVIRT"}
OF_THE_LAB = {"CELERITY_LAB_DIR", "CELERITY_LAB_RANGE"}  # docs/lab.md
OF_BEFORE = {"CELERITY_NETWORK_DRIVER"}  # an upgrade still reads it


def described() -> dict[str, str]:
    """Return setting -> default, as the document says."""
    rows = ROW.findall((DOCS / "settings.md").read_text())
    assert len(rows) == len(dict(rows)), "a setting is described twice"
    return {name: default.strip().strip("`") for name, default in rows}


def known() -> dict[str, object]:
    """Return setting -> default of each setting that cloud/settings.py reads; ... where the default is computed."""
    found: dict[str, object] = {}
    for node in ast.walk(ast.parse((ROOT / "cloud" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and str(name.value).startswith("CELERITY_"):
                defaults = [word.value for word in node.keywords if word.arg == "default"]
                simple = isinstance(defaults[0], ast.Constant) if defaults else False
                found[str(name.value)] = defaults[0].value if simple else ...  # type: ignore[attr-defined]
    return found


def named_in_code() -> set[str]:
    """Return every setting that any file of the product names."""
    files = [path for room in ("cloud", "apps", "workers", "deploy") for path in (ROOT / room).rglob("*.py")]
    return {name for path in files for name in NAME.findall(path.read_text())}


def test_every_setting_is_described() -> None:
    assert not set(known()) - set(described()) - OF_A_PROCESS
    elsewhere = OF_A_PROCESS | OF_THE_LAB | OF_BEFORE | {"CELERITY_SCHEDULER"}
    assert not named_in_code() - set(described()) - elsewhere
    assert {name for name in OF_THE_LAB if name in (DOCS / "lab.md").read_text()} == OF_THE_LAB


def test_nothing_is_described_that_is_not_there() -> None:
    assert not set(described()) - named_in_code()
    for document in (DOCS / "operators.md", ROOT / "README.md"):
        assert not set(NAME.findall(document.read_text())) - named_in_code(), document


def test_defaults_are_as_described() -> None:
    told = described()
    spelled = {"true": True, "false": False}
    for name, default in known().items():
        if default is ... or name in OF_A_PROCESS or told[name] == "generated" or "private instance" in told[name]:
            continue
        assert str(spelled.get(told[name], told[name])) == str(default), name


def test_commands_are_there() -> None:
    commands = {path.stem for path in ROOT.glob("*/**/management/commands/*.py")}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (DOCS / "operators.md").read_text()
    assert not set(re.findall(r"manage\.py ([a-z_]+)", text)) - commands
    assert not set(re.findall(r"`make ([a-z]+)", text)) - targets


def test_links_lead_somewhere() -> None:
    done = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    for document in done.stdout.split():
        for link in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", (ROOT / document).read_text()):
            assert ((ROOT / document).parent / link).exists(), f"{document}: {link}"


def test_readme_lists_every_document() -> None:
    text = (ROOT / "README.md").read_text()
    assert not [path.name for path in DOCS.glob("*.md") if f"docs/{path.name}" not in text]
