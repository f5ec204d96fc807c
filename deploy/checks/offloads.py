"""Offloads of guests: those that started before the cloud's mode changed send packets that tunnels drop."""

from deploy.checks.finding import Finding, ok, warn
from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.ovn import offloads
from deploy.supervision.client import Supervisor

SHOWN = 5


def check(environment: Environment) -> Finding:
    if not environment.ovn:
        return ok("not needed by simulated hosts")
    try:
        if not offloads.matter(environment):
            return ok("the datapath takes all packets of guests")
        mode = environment[offloads.SETTING]
        if not Supervisor(environment).is_running():
            return ok(f"{mode}; the cloud is down")
        guests = offloads.guests_to_restart(environment)
    except DeployError as error:
        return warn(error.message, error.hint or "make up")
    if not guests:
        return ok(f"{mode}; no guest needs a restart")
    names = "; ".join(guests[:SHOWN]) + ("; …" if len(guests) > SHOWN else "")
    return warn(
        f"{mode}, and {len(guests)} running guests started in the other mode: TCP to other hosts fails. {names}",
        "openstack server reboot --hard each of them (celerity network_offloads --guests lists all).",
    )
