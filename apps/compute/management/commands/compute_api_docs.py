"""``celerity compute_api_docs``: writes docs/compute-api.md, the table of microversions."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from apps.compute.api import versions
from apps.compute.api.version_history import CHANGES

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs" / "compute-api.md"
INTRODUCTION = """# The compute API's microversions

Made by `celerity compute_api_docs` from `apps/compute/api/version_history.py`; do not edit it.

`/compute/v2.1` speaks {lowest} to {highest}, the newest of Nova 34. Below are what each version changes, and a test
that shows it. What belongs to a service that is not here is answered in the API's form: no shares, no remote consoles.
"""


def place_of(test: str) -> tuple[str, str]:
    """Return the file and the function of a test as the table names it."""
    file, _, function = test.partition("::")
    folder, _, name = file.rpartition("/")
    return f"tests/api/{folder}/test_{name}.py", f"test_{function}"


def page() -> str:
    """Return the page as it is to be."""
    lines = [
        INTRODUCTION.format(lowest=versions.LOWEST, highest=versions.HIGHEST),
        "| Version | What it changes | Tested in |",
        "|---|---|---|",
    ]
    for change in CHANGES:
        tests = ", ".join(f"`{'::'.join(place_of(test))}`".replace("tests/api/", "") for test in change.tests)
        lines.append(f"| 2.{change.minor} | {change.text} | {tests} |")
    return "\n".join(lines) + "\n"


class Command(BaseCommand):
    help = "Write docs/compute-api.md: what each microversion changes, and where it is tested."

    def handle(self, *args: Any, **options: Any) -> None:
        PAGE.write_text(page())
