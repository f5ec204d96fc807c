"""The scheduler's explanation as text: each near miss once, and conditions in words."""

from io import StringIO
from typing import Any

from rich.console import Console

from apps.operations.explain import choices
from apps.workflow import states


def shown(explanation: dict[str, Any], said: str = "") -> str:
    console = Console(width=120, file=StringIO())
    choices.show(console, explanation, said=said)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_near_miss_is_told_once() -> None:
    misses = ["h1@local has 2 GiB too few", "h2@local is down or disabled", "h1@local has 2 GiB too few"]
    assert shown({"misses": misses}).count("2 GiB too few") == 1
    assert "Nearest" not in shown({"misses": misses}, said=f"No valid host: {'; '.join(misses)}")
    assert "h2@local" in shown({"misses": misses}, said="No valid host: h1@local has 2 GiB too few")


def test_conditions_are_told_in_words() -> None:
    conditions = ("named", "failed_before", "fits", "up", "backend_enabled", "backups_enabled", "room")
    text = shown({"filters": [{"filter": name, "in": 3, "out": 1} for name in conditions]})
    assert not [name for name in conditions if "_" in name and name in text]
    assert all(states.CONDITIONS[name] in text for name in conditions)
