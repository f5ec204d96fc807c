"""The image cache: the host's copies, and existing images.

Sets, per host:
  cached = contents in the cache
  living = contents of existing images
  used   = contents from which servers of this host were created
Rules:
  cached - living - used                               -> evicted (an image was deleted: no finding)
  abandoned partial downloads, data without its record -> removed
  missing or changed data, not in used                 -> evicted: the next boot fetches it again
  missing data, in used                                -> fetched again
  changed data, in used                                -> reported: servers' disks are based on it
"""

from typing import Any

import structlog

from apps.common.exceptions import CloudError
from apps.images.selectors import images
from workers.drivers.errors import DriverError
from workers.host.reconcilers.base import HostSnapshot
from workers.mapping import images as mapping

log = structlog.get_logger("celerity.agent")
KIND = "cache"


def reconcile(snapshot: HostSnapshot) -> None:
    storage = snapshot.drivers.storage
    for text in storage.residue(remove=True):
        snapshot.report.repaired(KIND, text[:64], found=f"{text}: left by a fetch that was killed", done="removed")
    used = {server.image_facts.get("sha512"): server for server in snapshot.rows.values()}
    for sha512 in storage.damaged_images():
        _report_damaged(snapshot, sha512, used)
    cached = {image.sha512 for image in storage.list_images()} - set(used)
    gone = cached - images.living(hashes=cached) if cached else set()
    for sha512 in gone:
        try:
            storage.evict_image(sha512)
        except DriverError as error:  # a build started in between: checked again next time
            log.info("image stays in the cache", host=snapshot.drivers.host, error=error.message)


def _report_damaged(snapshot: HostSnapshot, sha512: str, used: dict[str, Any]) -> None:
    problem = "the cached data differs from the verified image, or is missing"
    storage = snapshot.drivers.storage
    try:
        if sha512 not in used:
            storage.evict_image(sha512)
            snapshot.report.repaired(KIND, sha512[:64], found=problem, done="evicted")
            return
        storage.cache_file(*mapping.of_server(used[sha512]))  # restores missing data only
        if sha512 not in storage.damaged_images():
            snapshot.report.repaired(KIND, sha512[:64], found=problem, done="fetched anew")
            return
        problem = f"{problem}; disks of servers lie on them, of server {used[sha512].id} for one"
    except (DriverError, CloudError) as error:
        problem = f"{problem}; {error.message}"
    snapshot.report.remains(KIND, sha512[:64], found=problem)
