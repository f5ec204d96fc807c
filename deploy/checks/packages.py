"""Debian packages."""

import shutil
import subprocess

from deploy.checks.finding import Finding, fail, ok, warn
from deploy.environment import Environment
from deploy.packages import sections


def missing(names: list[str]) -> list[str]:
    """Return those of the packages that are not installed."""
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    installed = {line.split()[0] for line in asked.stdout.splitlines() if line.endswith(" installed")}
    return sorted(set(names) - installed)


def check(environment: Environment) -> Finding:
    if shutil.which("dpkg-query") is None:
        return warn("this is not Debian", "Install the packages of deploy/packages.txt with your package manager.")
    names = ["build"] if environment.is_host else ["build", "services"]
    names += [] if environment.simulated else ["hypervisor", "guest"]
    names += ["ovn"] if environment.ovn else []
    wanted = {name: sections()[name] for name in names}
    lacking = missing([name for names in wanted.values() for name in names])
    if lacking:
        return fail(
            f"missing: {' '.join(lacking)}",
            f"make up installs them; by hand: apt-get install --no-install-recommends {' '.join(lacking)}",
        )
    return ok("all installed")
