"""server.swap_volume: another volume in the place of one, and at every moment the guest has one of them."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.volume_swaps import CloseOldVolume, OpenNewVolume, SwapVolume

PIPELINE = Pipeline(
    name="server.swap_volume",
    subject=SERVER,
    steps=(OpenNewVolume(), SwapVolume(), CloseOldVolume()),
    pivot="swap_volume",
    deadline_seconds=14 * 3600,
    when_failed="the server keeps its volume",
)
