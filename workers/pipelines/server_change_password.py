"""server.change_password: by the guest's agent."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.guest_passwords import SetPassword

PIPELINE = Pipeline(
    name="server.change_password",
    subject=SERVER,
    steps=(SetPassword(),),
    on_host_down="fail",
    noun="change of the password",
    when_failed="the guest keeps its password",
)
