"""The scheduler's explanation as text: of a run, or of a dry run."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from apps.operations.explain import format
from apps.workflow import states


def show(console: Console, explanation: dict[str, Any], *, said: str = "") -> None:
    """Print the table of the filters, the best candidates, the nearest misses, and the rest of the explanation.

    Misses are printed once, and not at all if ``said`` (the errors above) has them.
    """
    unsaid = [miss for miss in dict.fromkeys(explanation.get("misses") or ()) if str(miss) not in said]
    for part in _parts({**explanation, "misses": unsaid}):
        console.print(Padding(part, (0, 0, 0, 2)))


def checked_hosts(explanation: dict[str, Any]) -> str:
    """Return "3 hosts checked", or "3 of 9 hosts checked" if not all were read."""
    considered, total = explanation.get("considered", 0), explanation.get("hosts")
    if total is None or total <= considered:
        return f"{format.plural(considered, 'host')} checked"
    return f"{considered} of {format.plural(total, 'host')} checked"


def _parts(rest: dict[str, Any]) -> Iterator[RenderableType]:
    for name in ("considered", "hosts", "sampled"):  # shown by ``checked_hosts``
        rest.pop(name, None)
    filters, candidates = rest.pop("filters", None) or [], rest.pop("candidates", None) or []
    removing = [row for row in filters if row.get("in") != row.get("out")]
    if removing:
        rows = [(_words(row.get("filter")), str(row.get("in")), str(row.get("out"))) for row in removing]
        yield table(("filter", "hosts in", "out"), rows)
    if len(filters) > len(removing):
        others = format.plural(len(filters) - len(removing), "other filter" if removing else "filter")
        yield Text(f"{others} removed no host.")
    if candidates:
        rest.pop("weights", None)
        rows = [(str(row.get("host")), f"{row.get('weight', 0):g}", numbers(row.get("weights"))) for row in candidates]
        yield table(("candidate", "weight", "made of"), rows, left=("made of",))
    misses = rest.pop("misses", None) or []
    if misses:
        yield Text("Nearest misses:")
        yield from (Text(f"  {miss}") for miss in misses)
    for name, value in rest.items():
        if value:
            yield Text(f"{name}: {_formatted(value)}")


def table(names: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, left: tuple[str, ...] = ()) -> Table:
    """Return a table whose first column, and those named in ``left``, are text; the others are numbers."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for number, name in enumerate(names):
        made.add_column(name, justify="left" if number == 0 or name in left else "right", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def numbers(values: dict[str, float] | None) -> str:
    """Return "ram 1, vcpu -0.5"."""
    return ", ".join(f"{name} {value:g}" for name, value in (values or {}).items())


def _words(name: Any) -> str:
    return states.CONDITIONS.get(str(name), str(name))


def _formatted(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, dict) and all(isinstance(item, int | float) for item in value.values()):
        return numbers(value)
    return orjson.dumps(value).decode()
