"""libvirt's way to our Open vSwitch, into which it plugs guests."""

from deploy.checks.finding import Finding, fail, ok
from deploy.environment import Environment
from deploy.ovn import places, plugging


def check(environment: Environment) -> Finding:
    if not environment.ovn:
        return ok("not needed by simulated hosts")
    here = places.of(environment)
    if plugging.reaches(here):
        return ok(f"libvirt plugs guests into the Open vSwitch of {here.host}")
    return fail(
        f"libvirt would plug guests into the Open vSwitch of {plugging.FIXED}, which is not ours",
        f"make up; or systemctl edit libvirtd, [Service] Environment=OVS_RUNDIR={here.host}, and restart libvirtd.",
    )
