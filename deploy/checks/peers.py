"""The other hosts: their agents answer this one, which moves servers' disks and running guests to them."""

import json
import socket
from urllib.parse import urlsplit

from deploy import manage
from deploy.checks.finding import Finding, ok, warn
from deploy.environment import Environment
from deploy.errors import DeployError

SECONDS = 2.0
_LIST = (
    "import json; from apps.scheduling.selectors import hosts; "
    "print(json.dumps([[host.name, host.agent_url] for host in hosts.pulses() if host.agent_url and not host.is_down]))"
)


def check(environment: Environment) -> Finding:
    if environment.values.get("CELERITY_DATABASE_URL") is None:
        return ok("there are none yet")
    try:
        hosts = _hosts(environment)
    except DeployError:
        return ok("not looked at: the database does not answer")
    addresses = {urlsplit(address).netloc: name for name, address in hosts}
    wrong = [f"{name} ({place}): {why}" for place, name in addresses.items() if (why := _problem(place))]
    if wrong:
        return warn(
            f"agents that do not answer: {', '.join(wrong)}",
            "No server moves between them and this host. See CELERITY_AGENT_LISTEN, names, and firewalls on both.",
        )
    return ok(f"{len(addresses)} agents answer" if len(addresses) > 1 else "one agent has no others")


def _hosts(environment: Environment) -> list[tuple[str, str]]:
    """Return the hosts that are up, with their agents' addresses."""
    printed = manage.run(environment, "shell", "-v", "0", "-c", _LIST, timeout=30)
    return [(str(name), str(address)) for name, address in json.loads(printed.splitlines()[-1])]


def _problem(place: str) -> str:
    """Return why nobody answers at ``host:port``; "" where somebody does."""
    name, _, port = place.rpartition(":")
    try:
        socket.create_connection((name.strip("[]"), int(port)), SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""
