"""What a make target prints: stages with their times; a live display on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from deploy.errors import DeployError

DONE, FAILED = "✓", "✗"  # marks of stages
console = Console(highlight=False, soft_wrap=True)


def line(text: str = "") -> None:
    """Print a line as it is."""
    console.print(escape(text))


@contextmanager
def stage(title: str, *, drawn: bool = False) -> Iterator[None]:
    """Show one stage of the work with the seconds it took; ``drawn`` says that it draws its own progress."""
    started = time.monotonic()
    try:
        if console.is_terminal and not drawn:
            with console.status(escape(title)):
                yield
        else:
            yield
    except BaseException:
        console.print(f"[red]{FAILED}[/red] {escape(title):<46} {time.monotonic() - started:6.1f} s")
        raise
    console.print(f"[green]{DONE}[/green] {escape(title):<46} {time.monotonic() - started:6.1f} s")
    sys.stdout.flush()


def explain(error: DeployError) -> None:
    """Print a failure to standard error: what is wrong, what to do, and the end of the log."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    if error.details:
        errors.print(escape(error.details.rstrip()), style="dim")
    errors.print(f"[red]{escape(error.message)}[/red]")
    if error.hint:
        errors.print(escape(error.hint))


def tail(path: object, lines: int = 20) -> str:
    """Return the last lines of a file; nothing when it cannot be read."""
    try:
        with open(str(path), "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 16384))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
