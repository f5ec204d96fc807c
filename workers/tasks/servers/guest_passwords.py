"""set_password: the guest's agent sets the administrator's password, which the server's row holds until then."""

from apps.compute import admin_passwords, states
from apps.compute.services import server_states
from workers.engine.errors import Abort
from workers.engine.steps import StepContext
from workers.tasks.servers.base import ServerStep

USER, WINDOWS_USER = "root", "Administrator"


class SetPassword(ServerStep[None]):
    """Whose password it is says os_admin_user of the image (nova/virt/libvirt/driver.py, set_admin_password)."""

    name = "set_password"
    task_state = states.UPDATING_PASSWORD

    def execute(self, ctx: StepContext) -> None:
        server = self.server(ctx)
        password = admin_passwords.unseal(server.admin_password)
        if not password:
            raise Abort("The new password is lost. Set it again.", cause="PasswordLost")
        asked = server.image_properties
        user = asked.get("os_admin_user") or (WINDOWS_USER if asked.get("os_type") == "windows" else USER)
        ctx.checkpoint()
        self.drivers(ctx).hypervisor.set_password(str(ctx.subject_id), user, password)

    def record(self, ctx: StepContext, result: None) -> None:
        server_states.forget_password(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.final:
            server_states.forget_password(server_id=ctx.subject_id)
