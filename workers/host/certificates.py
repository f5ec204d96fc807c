"""Renews this machine's certificate when two thirds of its life are over.

The machine with the authority signs its own. Another one sends a request, by a connection on which it shows the
certificate that it still has: that machine's agent (``peers``) signs it if the request names the host in that
certificate. The key stays on the host that made it.
"""

import time
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import connection

from apps.networking.selectors import authorities
from apps.networking.services import authorities as authority_services
from apps.scheduling.selectors import hosts
from workers.mapping.peers import peer_of
from workers.system.peers import client
from workers.system.peers.errors import PeerError, PeerRefused
from workers.system.pki import DIRECTORY
from workers.system.pki.errors import CertificateError, NoAuthority

if TYPE_CHECKING:
    from workers.system.pki.host import HostCertificate

log = structlog.get_logger(__name__)
PART = "certificate "  # of a request to another host; the request to sign follows
ASK_AGAIN_SECONDS = 3600.0
_ANSWER_BYTES = 64 * 1024
_asked = float("-inf")


def renew() -> None:
    """Renew the certificate if it is due. What keeps it from that is logged: the agent goes on."""
    if not (settings.STATE_DIR / DIRECTORY).exists():
        return
    from workers.system.pki import renewal  # here: 2 MiB of X.509, for hosts that have a certificate

    try:
        mine = renewal.host_of(settings.STATE_DIR)
        if not mine.exists():
            return
        if renewal.authority_of(settings.STATE_DIR).exists():
            authority_services.record(host=settings.HOST_NAME)
            renewed = renewal.renew(settings.STATE_DIR, settings.HOST_NAME)
        else:
            renewed = mine.is_due() and _ask(mine)
        if renewed:
            log.info("certificate renewed", host=settings.HOST_NAME)
    except Exception as error:  # a file that is no certificate, a database that is away
        details = error.details if isinstance(error, PeerError) else ""
        text = f"{type(error).__name__}: {error} {details}"[:300]
        log.warning("certificate not renewed", host=settings.HOST_NAME, error=text)


def _ask(mine: "HostCertificate") -> bool:
    """Ask the machine with the authority, once an hour. Raises CertificateError, PeerError."""
    global _asked
    if time.monotonic() - _asked < ASK_AGAIN_SECONDS:
        return False
    _asked = time.monotonic()
    authority = authorities.host()
    if not authority:
        raise NoAuthority("No host of the cloud has said that it has the authority.")
    request = mine.request(settings.HOST_NAME).decode()
    mine.take(client.read(peer_of(authority), "", PART + request, _ANSWER_BYTES))
    return True


def sign(host: str, request: bytes) -> bytes:
    """Return the answer to a request of a host that has shown its certificate. Raises PeerRefused: there is no
    authority here, the host was removed from the cloud, or the request names another one.
    """
    from workers.system.pki import renewal
    from workers.system.pki.authority import is_for

    try:
        if host not in hosts.names():
            raise PeerRefused("The cloud has no such host.", details=host)
        if not is_for(request, host):
            raise PeerRefused("The request is for another host.", details=host)
        return renewal.authority_of(settings.STATE_DIR).answer(request, host)
    except CertificateError as error:
        raise PeerRefused("The request is not signed.", details=str(error)) from error
    finally:
        connection.close()  # this thread ends with its connection to the other host
