"""A whole lab: made, looked at, and removed without a trace."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from deploy import first_image, up
from deploy.console import line, stage
from deploy.errors import DeployError
from deploy.lab import fabric, joining, machines
from deploy.lab import plan as plans
from deploy.lab.plan import LabHost, Plan


class Lab:
    """The lab of a plan. Each method may be called again at any point."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def up(self, **settings: str) -> None:
        """Bring every host up, the first one first. ``settings`` are added to those of every host."""
        plans.note(self.plan)
        with up.alone(self.plan.directory):
            with stage(f"Switches and {self.plan.count} machines"):
                self.make_machines()
            with stage("Guest image"):
                first_image.ensure()
            first, *others = self.plan.hosts
            with stage(f"{first.name}: the cloud ({self.plan.url})"):
                joining.write_settings(self.plan, first, **settings)
                stages = joining.bring_up(first)
                joining.open_tunnel(self.plan)
            for text in stages:
                line(f"    {text}")
            with stage(f"{', '.join(host.name for host in others)}: joined"), ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda host: self._join(host, settings), others))

    def restart(self, host: LabHost) -> None:
        """Switch a host on that was off, and have it do what it did."""
        if machines.switch_on(host):
            fabric.connect(self.plan, host)
        joining.bring_up(host)
        if host.is_first:
            joining.open_tunnel(self.plan)

    def cut(self, host: LabHost) -> None:
        """Take a host's cables and its power. Nobody gets a farewell packet from it."""
        fabric.set_cables(self.plan, host, "down")
        machines.switch_off(host)

    def down(self) -> list[str]:
        """Remove the lab with its state; return what was removed."""
        self.plan.directory.mkdir(parents=True, exist_ok=True)
        with up.alone(self.plan.directory):
            running = [host for host in self.plan.hosts if machines.is_on(host)]
            for host in self.plan.hosts:
                machines.switch_off(host)
            removed = [f"host {host.name}" for host in running] + fabric.remove(self.plan)
            shutil.rmtree(self.plan.directory)
        return [*removed, f"directory {self.plan.directory}"]

    def make_machines(self) -> None:
        fabric.require_free(self.plan)
        fabric.build(self.plan)
        for host in self.plan.hosts:
            if machines.switch_on(host):
                fabric.connect(self.plan, host)

    def _join(self, host: LabHost, settings: dict[str, str]) -> None:
        joining.write_settings(self.plan, host, **settings)
        joining.certify(self.plan, host)
        joining.bring_up(host)


@contextmanager
def running(plan: Plan, **settings: str) -> Iterator[Lab]:
    """Have a lab for a block, and remove it afterwards, however far it came."""
    lab = Lab(plan)
    try:
        lab.up(**settings)
        yield lab
    finally:
        lab.down()


def require_rights(is_root: bool) -> None:
    """Raise DeployError where namespaces cannot be made."""
    if not is_root:
        raise DeployError("A lab needs root: namespaces, bridges, real guests.", hint="As root: make lab HOSTS=3")


def describe(plan: Plan) -> None:
    """Print the hosts and how to use the lab."""
    environment = f'eval "$(make env STATE={plan.first.state})"'
    line()
    for host in plan.hosts:
        state = "on" if machines.is_on(host) else "OFF"
        line(f"  {host.name}  {state:<4} {host.management.ip}  tunnels {host.tunnels.ip}  {host.state}")
    line(f"""
  API            {plan.url}  (admin, Flower and passwords as in any cloud: {plan.first.file})
  External       {plan.networks["external"]}, this machine is {plan.address("external", 1).ip}

Use it:
    {environment}
    openstack --os-cloud celerity-admin compute service list
    make lab-shell ON=compute-2     (a shell on a host)
Remove it, with its state: make lab-down""")
