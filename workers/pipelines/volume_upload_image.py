"""volume.upload_image: the content of a volume, as an image."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import VOLUME
from workers.tasks.volumes.images import UploadVolume

PIPELINE = Pipeline(
    name="volume.upload_image",
    subject=VOLUME,
    steps=(UploadVolume(),),
    deadline_seconds=5 * 3600,
    noun="image",
    when_failed="the image is deleted, the volume stays as it is",
)
