"""dnsmasq, which gives guests their addresses."""

import shutil
import subprocess

from deploy.checks.finding import SIMULATED, Finding, fail, ok
from deploy.environment import Environment


def check(environment: Environment) -> Finding:
    if environment.simulated:
        return ok("not needed by simulated hosts")
    if environment.ovn:
        return ok("not used: networks are OVN's")
    program = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        return fail("dnsmasq is not installed", f"apt-get install dnsmasq-base, {SIMULATED}")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return ok(" ".join(said.split()[:3]) or program)
