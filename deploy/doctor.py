"""`make doctor`: looks at each thing that the cloud needs, and says what is wrong and what to do.

Needs the standard library only, so that it works before anything is installed; checks that need more say so.
"""

import importlib
import sys

from deploy import checks
from deploy.checks.finding import Finding, Level, fail, warn
from deploy.environment import Environment, load

COLOURS = {Level.OK: "\033[32m", Level.WARN: "\033[33m", Level.FAIL: "\033[31m"}


def examine(name: str, environment: Environment) -> Finding:
    """Run one check. One that breaks is a finding too."""
    try:
        finding: Finding = importlib.import_module(f"deploy.checks.{name}").check(environment)
    except ModuleNotFoundError as error:
        return warn(f"cannot be checked without Python's {error.name}", "make up installs it.")
    except Exception as error:  # the doctor goes on to the next
        return fail(f"the check itself failed: {type(error).__name__}: {error}", "This is a bug in the doctor.")
    return finding


def main() -> int:
    environment = load()
    print(f"State {environment.state}, hypervisor {environment['CELERITY_HYPERVISOR']}\n")
    worst = 0
    for name in checks.NAMES:
        finding = examine(name, environment)
        level = f"{finding.level.value:<4}"
        if sys.stdout.isatty():
            level = f"{COLOURS[finding.level]}{level}\033[0m"
        print(f"{level}  {name.replace('_', ' '):<16} {finding.text}")
        if finding.advice:
            print(f"{'':22} -> {finding.advice}")
        worst += finding.level is Level.FAIL
    print(f"\n{worst} to put right." if worst else "\nNo problems found.")
    return 1 if worst else 0


if __name__ == "__main__":
    sys.exit(main())
