"""Images that a host is to have in its cache before a server asks for them: its row names them until it has them.

An agent that is killed on the way finds them there again. What no host can take is dropped from the row, and so is an
image that is gone; what this host cannot now is tried again in the next round.
"""

import uuid

import structlog

from apps.common.exceptions import CloudError
from apps.images import states
from apps.images.selectors import images
from apps.scheduling.exceptions import HostNotFound
from apps.scheduling.selectors import hosts as host_selectors
from apps.scheduling.services import hosts
from workers.config import HostDrivers
from workers.drivers.errors import AbortError, DriverError
from workers.mapping import images as mapping

log = structlog.get_logger("celerity.agent")


def fetch(drivers: HostDrivers) -> int:
    """Fetch what the host's row names, one after another. Returns how many images it has fetched, or had."""
    try:
        wanted = host_selectors.get(name=drivers.host).wanted_images
    except HostNotFound:
        return 0
    return sum(_fetch(drivers, key) for key in wanted)


def _fetch(drivers: HostDrivers, image_id: uuid.UUID) -> bool:
    done = False
    try:
        image = images.get(image_id=image_id)
        if image.status == states.ACTIVE:
            drivers.storage.cache_image(*mapping.of_image(image))
            done = True
    except (AbortError, CloudError) as error:
        log.warning("image not cached ahead", host=drivers.host, image=str(image_id), error=error.message)
    except DriverError as error:
        log.warning("image not cached ahead yet", host=drivers.host, image=str(image_id), error=error.message)
        return False
    hosts.forget_wanted_image(name=drivers.host, image_id=image_id)
    return done
