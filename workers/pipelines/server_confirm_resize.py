"""server.confirm_resize: the server stays where a migration or a resize has brought it."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.end_resize import ForgetSource

PIPELINE = Pipeline(
    name="server.confirm_resize",
    subject=SERVER,
    steps=(ForgetSource(),),
    on_host_down="rows_only",
    noun="confirmation",
    when_failed="the server stays where it is; the former host removes its files in its recovery",
)
