"""Lines of the log, as JSON like those of the other processes. No line has a path, a header or a body of a guest's."""

import json
import sys
import time
from typing import Any


def write(level: str, event: str, **values: Any) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = {"event": event, "level": level, "logger": "celerity.metadata", "timestamp": moment, **values}
    print(json.dumps(line), file=sys.stderr, flush=True)


class Problems:
    """Problems that last are logged once, and their end."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def met(self, event: str, error: object) -> None:
        text = f"{type(error).__name__}: {error} {getattr(error, 'details', '')}".strip()[:300]
        if self._known.get(event) != text:
            write("warning", event, error=text)
        self._known[event] = text

    def over(self, event: str) -> None:
        if self._known.pop(event, None) is not None:
            write("info", f"{event}: over")
