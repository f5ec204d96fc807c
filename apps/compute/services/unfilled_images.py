"""Images that servers' runs were to fill: they go with a run that is cancelled."""

from typing import TYPE_CHECKING

from django.db import transaction

from apps.images.services import images

if TYPE_CHECKING:
    from apps.workflow.models import Run

IMAGE = "image"  # the parameter of a run that names its image


def give_up(*, run: "Run | None") -> None:
    """Delete the image that a cancelled run was to fill, after the commit: an image is locked before its server.

    A process that is killed in between leaves it to the reconciler.
    """
    if run is not None and IMAGE in run.params:
        transaction.on_commit(lambda: images.discard_unfilled(run_id=run.id))
