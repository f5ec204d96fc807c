"""The steps that attach an interface to a server and detach one. The run's params name its port."""

import time
import uuid
from typing import Any

from apps.compute.services import interfaces
from apps.networking import states as network_states
from apps.networking.services import bindings
from workers.config import HostDrivers
from workers.drivers.hypervisor.base import PowerState
from workers.drivers.hypervisor.errors import GuestHoldsDevice
from workers.drivers.network.base import PortSpec
from workers.engine.errors import Abort, TooLong
from workers.engine.steps import StepContext
from workers.mapping import networks, servers
from workers.tasks.servers.base import ServerStep, wait_for_ports

ASK_SECONDS = 5.0  # how long the guest is asked before the step is a long one
RELEASE_SECONDS = 60.0
_ON = (PowerState.RUNNING, PowerState.PAUSED)


def _port_id(ctx: StepContext) -> uuid.UUID:
    return uuid.UUID(ctx.claim.params["port"])


def _tap(ctx: StepContext) -> str:
    return network_states.tap_of(_port_id(ctx))


def _port(ctx: StepContext) -> PortSpec:
    """Return the port. Raises Abort when the server does not have it any more."""
    key = str(_port_id(ctx))
    port = next((port for port in networks.ports_of(ctx.subject_id) if port.id == key), None)
    if port is None:
        raise Abort("The server does not have this port any more.", cause="PortNotFound")
    return port


def _attach(step: ServerStep[Any], ctx: StepContext, drivers: HostDrivers) -> PortSpec:
    port = _port(ctx)
    card = servers.interface_of(step.server(ctx), drivers, port)
    ctx.checkpoint()
    drivers.hypervisor.attach_interface(str(ctx.subject_id), card)
    return port


class PrepareInterface(ServerStep[None]):
    """Make the host ready for the port. As the first step's, its revert takes the port from the server."""

    name = "prepare_interface"

    def execute(self, ctx: StepContext) -> None:
        self.drivers(ctx).network.plug(_port(ctx))

    def revert(self, ctx: StepContext) -> None:
        if not ctx.final:
            return
        if ctx.on_host:
            self.drivers(ctx).network.unplug(str(_port_id(ctx)))
        interfaces.remove(server_id=ctx.subject_id, port_id=_port_id(ctx))


class PlugInterface(ServerStep[None]):
    """Plug the card into the guest, and wait until its port is up."""

    name = "plug_interface"

    def execute(self, ctx: StepContext) -> None:
        drivers = self.drivers(ctx)
        port = _attach(self, ctx, drivers)
        info = drivers.hypervisor.info(str(ctx.subject_id))
        if info is not None and info.power_state in _ON:
            wait_for_ports({port.id: port.routers}, drivers)
            bindings.set_status(port_ids=[_port_id(ctx)], status=network_states.ACTIVE)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            self.drivers(ctx).hypervisor.detach_interface(str(ctx.subject_id), _tap(ctx), ASK_SECONDS)


class UnplugInterface(ServerStep[None]):
    """Unplug the card once the guest has released it. A guest that takes its time is waited for by a long step; on a
    host that was declared dead no guest has it.
    """

    name = "unplug_interface"

    def execute(self, ctx: StepContext) -> None:
        if not ctx.on_host:
            return
        hypervisor, deadline = self.drivers(ctx).hypervisor, time.monotonic() + RELEASE_SECONDS
        while True:
            ctx.checkpoint()
            try:
                return hypervisor.detach_interface(str(ctx.subject_id), _tap(ctx), ASK_SECONDS)
            except GuestHoldsDevice:
                if not ctx.is_long:
                    raise TooLong from None
                if time.monotonic() > deadline:
                    raise

    def revert(self, ctx: StepContext) -> None:
        """The card may be out of the guest or of its definition: the server keeps it."""
        if ctx.on_host:
            _attach(self, ctx, self.drivers(ctx))


class ReleaseInterface(ServerStep[None]):
    """Take the port off the host and from the server. It is behind the pivot: if it is given up, the rows change."""

    name = "release_interface"

    def execute(self, ctx: StepContext) -> None:
        if ctx.on_host:
            self.drivers(ctx).network.unplug(str(_port_id(ctx)))

    def record(self, ctx: StepContext, result: None) -> None:
        interfaces.remove(server_id=ctx.subject_id, port_id=_port_id(ctx))

    def revert(self, ctx: StepContext) -> None:
        interfaces.remove(server_id=ctx.subject_id, port_id=_port_id(ctx))
