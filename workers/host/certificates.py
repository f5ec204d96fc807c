"""Renews this machine's certificate when two thirds of its life are over."""

import structlog
from django.conf import settings

from workers.system.pki import DIRECTORY
from workers.system.pki.errors import CertificateError

log = structlog.get_logger(__name__)


def renew() -> None:
    """Renew the certificate where the authority is on this machine; elsewhere log that an operator has to."""
    if not (settings.STATE_DIR / DIRECTORY).exists():
        return
    from workers.system.pki import renewal  # here: 2 MiB of X.509, for hosts that have a certificate

    try:
        if renewal.host_of(settings.STATE_DIR).exists() and renewal.renew(settings.STATE_DIR, settings.HOST_NAME):
            log.info("certificate renewed", host=settings.HOST_NAME)
    except (CertificateError, OSError, ValueError) as error:  # ValueError: a file that is no certificate
        log.warning("certificate not renewed", host=settings.HOST_NAME, error=str(error)[:300])
