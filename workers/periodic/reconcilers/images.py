"""The image store: files and images. Runs on the machine that has the store; agents check their hosts' caches.

Sets:
  stored = files in the store
  wanted = contents of active images, with their sizes
Rules:
  stored - wanted, not recent          -> removed
  wanted - stored, or of another size  -> reported: the image must be uploaded again, or restored from a backup
"""

from apps.images.selectors import blobs as selectors
from apps.images.services import blobs
from apps.workflow.services.findings import FindingReport

KIND = "image"
KINDS = (KIND,)


def reconcile(report: FindingReport) -> None:
    for sha512 in blobs.drop_orphans():
        report.repaired(KIND, sha512[:64], found="in the store, but not used by any image", done="removed")
    for sha512, reason in selectors.damaged():
        report.remains(KIND, sha512[:64], found=reason)
