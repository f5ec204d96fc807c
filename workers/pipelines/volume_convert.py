"""volume.convert: a volume's data in another format, on its own host, for a type that several servers may have."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import VOLUME
from workers.tasks.volumes.convert import ConvertVolume

PIPELINE = Pipeline(
    name="volume.convert",
    subject=VOLUME,
    steps=(ConvertVolume(),),
    deadline_seconds=5 * 3600,
    when_failed="the volume keeps its type",
)
