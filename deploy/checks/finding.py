"""What a check says: OK, WARN (the cloud runs, not at its best) or FAIL (it does not), and what to do."""

import subprocess
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report; ``advice`` is what to do, empty when all is well."""

    level: Level
    text: str
    advice: str = ""


def ok(text: str) -> Finding:
    return Finding(Level.OK, text)


def warn(text: str, advice: str) -> Finding:
    return Finding(Level.WARN, text, advice)


def fail(text: str, advice: str) -> Finding:
    return Finding(Level.FAIL, text, advice)


SIMULATED = "or use simulated hosts: make up HYPERVISOR=simulated HOSTS=5"


def attempt(*command: str) -> str | None:
    """Run a command; return None on success, else its output."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=20, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return f"{command[0]} is not installed"
    except subprocess.TimeoutExpired:
        return f"{command[0]} did not answer within 20 s"
    return None if done.returncode == 0 else (done.stderr or done.stdout).strip()[:200] or "failed"
