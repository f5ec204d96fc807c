"""fetch_image: the image in the host's cache, verified, fetched once for many boots."""

import time
from collections.abc import Callable

from apps.compute import states
from workers.engine.steps import StepContext
from workers.mapping import images
from workers.tasks.servers.base import ServerStep

CHECK_SECONDS = 1.0


class FetchImage(ServerStep[None]):
    name = "fetch_image"
    task_state = states.SPAWNING
    timeout_seconds = 800  # below the overall deadline's default, so that another host still gets its turn

    def execute(self, ctx: StepContext) -> None:
        server = self.server(ctx)
        if server.image_id is None:
            return
        self.drivers(ctx).storage.cache_image(*images.of_server(server), progress=self._watch(ctx))

    def _watch(self, ctx: StepContext) -> Callable[[int, int], None]:
        """Return a progress callback that ends a long download when the run was taken away (a delete, say)."""
        checked_at = time.monotonic()

        def check(done: int, total: int) -> None:
            nonlocal checked_at
            if time.monotonic() - checked_at > CHECK_SECONDS:
                checked_at = time.monotonic()
                ctx.checkpoint()

        return check

    def revert(self, ctx: StepContext) -> None:
        """The cache belongs to the host, not to the server: other boots use it; recovery evicts unused images."""
