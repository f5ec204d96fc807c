"""The other hosts: their agents answer this one, which moves servers' disks and running guests to them."""

import socket
from urllib.parse import urlsplit

import psycopg2

from deploy.checks.finding import Finding, ok, warn
from deploy.environment import Environment

SECONDS = 2.0
# As `Host.is_up`: a host whose agent is silent is no other one's trouble.
_HOSTS = """
SELECT name, agent_url FROM scheduling_host
 WHERE agent_url <> '' AND NOT forced_down AND heartbeat_at > now() - interval '60 seconds' ORDER BY name
"""


def check(environment: Environment) -> Finding:
    url = environment.values.get("CELERITY_DATABASE_URL")
    try:
        hosts = _hosts(url) if url else []
    except psycopg2.Error:
        return ok("not looked at: the database does not answer")
    addresses = {urlsplit(address).netloc: name for name, address in hosts}
    wrong = [f"{name} ({place}): {why}" for place, name in addresses.items() if (why := _problem(place))]
    if wrong:
        return warn(
            f"agents that do not answer: {', '.join(wrong)}",
            "No server moves between them and this host. See CELERITY_AGENT_LISTEN, names, and firewalls on both.",
        )
    return ok(f"{len(addresses)} agents answer" if len(addresses) > 1 else "one agent has no others")


def _hosts(url: str) -> list[tuple[str, str]]:
    connection = psycopg2.connect(url, connect_timeout=5)
    try:
        with connection.cursor() as cursor:
            cursor.execute(_HOSTS)
            return [(str(name), str(address)) for name, address in cursor.fetchall()]
    finally:
        connection.close()


def _problem(place: str) -> str:
    """Return why nobody answers at ``host:port``; "" where somebody does."""
    name, _, port = place.rpartition(":")
    try:
        socket.create_connection((name.strip("[]"), int(port)), SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""
