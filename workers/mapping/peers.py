"""Hosts as other hosts reach them."""

from urllib.parse import urlsplit

from django.conf import settings

from apps.scheduling.selectors import hosts
from workers.system.peers.client import Peer
from workers.system.pki import DIRECTORY


def peer_of(host: str) -> Peer:
    """Return a host by its name: its agent answers API and hosts at one address. One that is gone has none."""
    return Peer(host, urlsplit(hosts.agent_url(name=host)).netloc, settings.STATE_DIR / DIRECTORY)
