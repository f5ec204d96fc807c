"""volume.reimage: an image's content instead of the volume's."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import VOLUME
from workers.tasks.volumes.reimage import ReimageVolume

PIPELINE = Pipeline(
    name="volume.reimage",
    subject=VOLUME,
    steps=(ReimageVolume(),),
    deadline_seconds=13 * 3600,
    when_failed="the volume is in error: it may have a part of the image, and can be made of an image again",
)
