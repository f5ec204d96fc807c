"""Open vSwitch and OVN: installed, a datapath that works, daemons that do their work."""

from deploy.checks.finding import Finding, fail, ok, warn
from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.ovn import daemons, datapath, health, places, settings
from deploy.supervision.client import Supervisor


def check(environment: Environment) -> Finding:
    if not environment.ovn:
        return ok("not needed by simulated hosts")
    here = places.of(environment)
    try:
        wanted = settings.read(environment)
        used = datapath.choose(wanted, here)
        text = f"{daemons.release()}; datapath {used.kind}"
    except DeployError as error:
        return fail(error.message, error.hint or "make up")
    if not Supervisor(environment).is_running():
        return ok(f"{text}; the cloud is down; make up starts it")
    state = health.examine(here)
    if not state.well:
        return fail(f"{text}; {state}", f"Logs: {environment.log}/ovn-*.log and ovs-*.log; make up starts what ended.")
    if used.kind == datapath.NETDEV and (others := datapath.other_switches(here)):
        return warn(
            f"{text}, because another Open vSwitch (process {others[0]}) uses the kernel's; {state}",
            "Stop the other one and run make up, for the kernel's faster datapath.",
        )
    return ok(f"{text}; {state}")
