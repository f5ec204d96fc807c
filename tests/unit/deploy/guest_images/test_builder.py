"""The image builder stands apart from the rest of `deploy`: it needs Python and Debian's tools alone."""

import ast
import sys
from pathlib import Path

BUILDER = Path(__file__).resolve().parents[4] / "deploy" / "guest_images"


def test_it_imports_the_standard_library_and_itself() -> None:
    own = {path.stem for path in BUILDER.iterdir() if path.is_dir()}
    for path in BUILDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            strangers = {name.split(".")[0] for name in names} - own - sys.stdlib_module_names
            assert not strangers, path
