"""The image store: files and images. Runs on the machine that has the store; agents check their hosts' caches.

Sets:
  stored   = files in the store
  wanted   = contents of active images, with their sizes
  unfilled = images that wait for the data of a run: servers' snapshots
  active   = runs that have not ended
Rules:
  unfilled without an active run       -> deleted: the run was cancelled or killed
  stored - wanted, not recent          -> removed
  wanted - stored, or of another size  -> reported: the image must be uploaded again, or restored from a backup
"""

from apps.images.selectors import blobs as selectors
from apps.images.selectors import images as image_selectors
from apps.images.services import blobs, images
from apps.workflow.selectors import runs
from apps.workflow.services.findings import FindingReport

KIND = "image"
KINDS = (KIND,)


def reconcile(report: FindingReport) -> None:
    _discard_unfilled(report)
    for sha512 in blobs.drop_orphans():
        report.repaired(KIND, sha512[:64], found="in the store, but not used by any image", done="removed")
    for sha512, reason in selectors.damaged():
        report.remains(KIND, sha512[:64], found=reason)


def _discard_unfilled(report: FindingReport) -> None:
    """An image and its run are written in one transaction: a run that is not active now is over."""
    runs_by_image = {image.id: image.filled_by for image in image_selectors.unfilled().only("id", "filled_by")}
    active = runs.tokens(run_ids=[run for run in runs_by_image.values() if run]) if runs_by_image else {}
    for image_id, run_id in runs_by_image.items():
        if run_id and run_id not in active and images.discard_unfilled(run_id=run_id):
            report.repaired(KIND, image_id, found="it waited for the data of a run that is over", done="deleted")
