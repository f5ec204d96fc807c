"""The external network: its range is free on this machine, its address and rules are there while the cloud runs."""

from deploy.checks.finding import Finding, attempt, fail, ok, warn
from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.ovn import external, settings
from deploy.supervision.client import Supervisor


def check(environment: Environment) -> Finding:
    if not environment.ovn:
        return ok("not needed by simulated hosts")
    try:
        wanted = settings.read(environment)
        external.require_free(wanted)
    except DeployError as error:
        return fail(error.message, error.hint)
    bridge = wanted.external_bridge
    if bridge is None:
        return ok(f"public is on the bridge {wanted.mappings.get(settings.PUBLIC, 'of nobody')}, which is not ours")
    if environment.is_host:
        return warn(
            f"{bridge} leads nowhere but to this machine, which may become the gateway of routers",
            "Map public to a bridge with an uplink on every host: docs/operators.md, Open vSwitch and OVN.",
        )
    if not Supervisor(environment).is_running():
        return ok(f"{wanted.external} is free; make up sets it up")
    if external.addresses(bridge) != [wanted.external_address]:
        return fail(f"{bridge} does not have the address {wanted.external_address}", "make up sets it.")
    if attempt("nft", "list", "table", "inet", external.TABLE):
        return fail(f"the nftables table {external.TABLE} is missing", "make up restores it.")
    if external.FORWARDING.read_text().strip() != "1":
        return fail("this machine does not forward packets", "sysctl -w net.ipv4.ip_forward=1; make up sets it, too.")
    return ok(f"{wanted.external_address} on {bridge}, masqueraded")
