"""fetch_image: the image in the host's cache, verified, fetched once for many boots."""

from apps.compute import states
from workers.engine.steps import StepContext
from workers.mapping import images
from workers.tasks.servers.base import ServerStep


class FetchImage(ServerStep):
    name = "fetch_image"
    task_state = states.SPAWNING
    timeout_seconds = 1800

    def execute(self, ctx: StepContext) -> None:
        server = self.server(ctx)
        if server.image_id is None:
            return
        self.drivers(ctx).storage.cache_image(*images.of_server(server))

    def revert(self, ctx: StepContext) -> None:
        """The cache belongs to the host, not to the server: other boots use it, and unused entries age out."""
