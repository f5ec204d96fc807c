"""A server on a simulated host, whose actions run in this process: messages go by the real router to queues."""

import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.common import dispatch
from apps.common.context import RequestContext
from apps.compute.actions import ACTIONS
from apps.compute.models import BlockDevice, Flavor, Server
from apps.compute.services import server_actions
from apps.images.models import Image
from apps.quotas.models import Usage
from apps.scheduling.models import Allocation, Host, Inventory
from apps.scheduling.selectors import hosts
from apps.workflow import states as workflow
from apps.workflow.models import Run
from apps.workflow.services import runs
from apps.workflow.services.findings import FindingReport
from tests.unit.engine.hosts import App, Cluster
from workers import routing
from workers.config import HostDrivers
from workers.consistency import check
from workers.drivers.backup import loader as backups
from workers.drivers.hypervisor import loader as hypervisors
from workers.drivers.network import loader as networks
from workers.drivers.storage import loader as storages
from workers.drivers.volume import loader as volumes
from workers.engine import runner
from workers.engine.errors import Stale
from workers.host.reconcilers import power
from workers.host.reconcilers.base import take_snapshot
from workers.mapping import servers
from workers.pipelines import registry
from workers.system.paths import HostPaths

HOST, OTHER = "sim-001", "sim-002"
OWNER = RequestContext(user_id="u", project_id="p")
ADMIN = RequestContext(user_id="a", project_id="p", is_admin=True)
FLAVOR = {"id": "7", "original_name": "f7", "vcpus": 1, "ram": 64, "disk": 1, "ephemeral": 1, "swap": 8}


class Acting(Cluster):
    """One host with its drivers, one server, and the workers that serve its queues. ``storage``: their driver."""

    storage = "simulated"

    def __init__(self, directory: Path, server: Server) -> None:
        super().__init__(registry.PIPELINES["server.build"])
        self.directory, self.id = directory, server.id
        self.hosts: dict[str, HostDrivers] = {}
        self.drivers = self.add(HOST)

    def add(self, host: str) -> HostDrivers:
        """Give the cluster one more host."""
        options = {"state_dir": self.directory, "host": host, "plan_file": self.directory / "plan.json"}
        self.hosts[host] = HostDrivers(
            host=host,
            hypervisor=hypervisors.load("simulated", options),
            network=networks.load("simulated", options),
            storage=storages.load(self.storage, options),
            volume=volumes.load("simulated", options),
            backup=backups.load("simulated", options),
            paths=HostPaths(self.directory / host),
        )
        return self.hosts[host]

    def serve(self, queue: str) -> None:
        task, message, chain = self.queues[queue].pop(0)
        pipeline, _, name = task.rpartition(".")
        self.pipeline = registry.PIPELINES[pipeline]
        drivers = self.hosts[queue.split(".")[1]] if queue.startswith("host.") else None
        with contextlib.suppress(Stale):
            if name == workflow.REVERT:
                return runner.run_revert(self.pipeline, message, drivers)
            following = runner.run_step(self.pipeline, self.pipeline.steps[self.pipeline.index(name)], message, drivers)
            if chain and following is not None:
                self.put(chain[-1], following, chain[:-1])

    def fail(self, op: str, *, when: str = "before", **how: Any) -> None:
        """Let each call of a driver's method fail; "" for none. ``how``: the fault (workers/drivers/simulation)."""
        faults = [{"op": op, "error": "abort", "when": when, **how}] if op else []
        (self.directory / "plan.json").write_text(json.dumps({"faults": faults}))

    def do(self, action: str, /, *, context: RequestContext = OWNER, **arguments: Any) -> Any:
        """Do an action, and serve all queues until its run has ended."""
        server = Server.objects.get(id=self.id)
        answer = server_actions.perform(
            context=context, server=server, action=ACTIONS[action], arguments=arguments or None
        )
        self.run()
        return answer

    def retry(self) -> None:
        """Send a run whose next attempt waits for its time, as the sweeper does, and serve it."""
        run = Run.objects.get(subject_id=self.id, not_before__isnull=False)
        assert runs.resend(run=run)
        self.run()

    def recover(self, *, restarted: bool = False) -> None:
        """Let the host's recovery compare the guests' power with the rows once."""
        power.reconcile(take_snapshot(self.drivers, FindingReport(HOST), restarted=restarted))

    @property
    def server(self) -> Server:
        return Server.objects.get(id=self.id)

    @property
    def run_state(self) -> str:
        return str(Run.objects.order_by("created_at").last().state)  # type: ignore[union-attr]

    @property
    def power(self) -> str | None:
        """The guest's state on its host; None without a domain."""
        info = self.drivers.hypervisor.info(str(self.id))
        return str(info.power_state) if info else None

    def domain(self) -> dict[str, Any]:
        return dict(json.loads((self.directory / HOST / "domains" / f"{self.id}.json").read_bytes()))

    def disks(self) -> dict[str, Any]:
        """The guest's disks: their names on the host, by target."""
        return {target: path.rpartition("/")[2] for target, path in self.domain()["disks"].items()}

    def files(self) -> dict[str, Any]:
        """The disks on the host, by name."""
        return dict(json.loads((self.directory / HOST / "disks" / f"{self.id}.json").read_bytes()))


def make_image(name: str, **properties: str) -> Image:
    return Image.objects.create(
        name=name, project_id="x", visibility="public", status="active", disk_format="qcow2", size=10,
        container_format="bare", os_hash_algo="sha512", os_hash_value=uuid.uuid5(uuid.NAMESPACE_DNS, name).hex * 4,
        virtual_size=1 << 20, properties=properties,
    )  # fmt: skip


def facts_of(image: Image) -> dict[str, Any]:
    return {
        "sha512": image.os_hash_value, "size": image.size, "disk_format": image.disk_format,
        "virtual_size": image.virtual_size, "min_disk": image.min_disk,
    }  # fmt: skip


@pytest.fixture
def acting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, db: None) -> Iterator[Acting]:
    """A running server with a root disk, an ephemeral one, swap and a config drive."""
    settings.MAX_ATTEMPTS = 1
    image = make_image("first")
    server = Server.objects.create(
        project_id="p", user_id="u", name="s", hostname="s", reservation_id="r-1", vm_state="active", power_state=1,
        host=HOST, zone="nova", flavor=FLAVOR, image_id=image.id, image_facts=facts_of(image), config_drive=True,
    )  # fmt: skip
    for position, (kind, device) in enumerate([("root", "vda"), ("ephemeral", "vdb"), ("swap", "vdc")]):
        size = 8 if kind == "swap" else 1
        BlockDevice.objects.create(server=server, kind=kind, position=position, size=size, device=device)
    made = Acting(tmp_path, server)
    for pipeline in registry.PIPELINES.values():
        for name, role, long in [(step.name, step.role, step.long) for step in pipeline.steps] + [
            (workflow.REVERT, workflow.REVERT, False)
        ]:
            monkeypatch.setitem(routing._roles, pipeline.task_name(name), role)
            if long:
                monkeypatch.setattr(routing, "_long", routing._long | {pipeline.task_name(name)})
    monkeypatch.setattr(hosts, "is_up", lambda name: True)
    app = App(made)
    monkeypatch.setattr(dispatch, "_send", lambda run: registry.send(app, run))  # type: ignore[arg-type]
    made.drivers.hypervisor.spawn(servers.prepare(server, made.drivers))
    yield made
    made.drivers.hypervisor.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


class Moving(Acting):
    """Two hosts. ``where`` is what each has of the server."""

    def where(self) -> dict[str, tuple[str, bool, bool]]:
        """Return of each host that has anything: the guest's power state, whether files are there, and kept ones."""
        found = {}
        for name, drivers in self.hosts.items():
            info = drivers.hypervisor.info(str(self.id))
            there = [str(self.id) in ids for ids in (drivers.storage.list_servers(), drivers.storage.list_kept())]
            if info is not None or any(there):
                found[name] = (str(info.power_state) if info else "", *there)
        return found

    def size(self, name: str = "root") -> int:
        storage = self.hosts[self.server.host].storage
        return int(storage._simulation.read("disks", str(self.id))[name]["size_bytes"])  # type: ignore[attr-defined]

    def power_at(self, host: str) -> str:
        info = self.hosts[host].hypervisor.info(str(self.id))
        return str(info.power_state) if info else ""

    def domain_of(self, host: str) -> dict[str, Any]:
        return dict(json.loads((self.directory / host / "domains" / f"{self.id}.json").read_bytes()))

    def findings(self) -> list[str]:
        found = [*check.of_rows(), *(finding for drivers in self.hosts.values() for finding in check.of_host(drivers))]
        return [f"{finding.kind} {finding.details}" for finding in found if finding.kind != "image"]


@pytest.fixture
def moving(acting: Acting, settings: Any) -> Iterator[Moving]:
    """The server of ``acting``, with its allocation and usage, and a second host."""
    acting.__class__ = Moving
    acting.add(OTHER)
    made = []
    for number, name in enumerate((HOST, OTHER), 1):
        host = Host.objects.create(name=name, number=number, hypervisor_type="QEMU", cpu_info={"arch": "x86_64"})
        made.append(host)
        Inventory.objects.create(host=host, vcpus=8, ram_mib=8192, disk_gib=100)
    Allocation.objects.create(consumer_id=acting.id, host=made[0], vcpus=1, ram_mib=64, disk_gib=3)
    Inventory.objects.filter(host=made[0]).update(vcpus_used=1, ram_used=64, disk_used=3, servers=1)
    Flavor.objects.create(flavor_id="7", name="f7", vcpus=1, ram_mib=64, disk_gib=1, ephemeral_gib=1, swap_mib=8)
    Flavor.objects.create(flavor_id="8", name="f8", vcpus=2, ram_mib=96, disk_gib=2, ephemeral_gib=1, swap_mib=16)
    Flavor.objects.create(flavor_id="9", name="f9", vcpus=1, ram_mib=32, disk_gib=1, ephemeral_gib=1, swap_mib=0)
    for resource, count in {"instances": 1, "cores": 1, "ram": 64}.items():
        Usage.objects.create(owner_id="p", resource=resource, in_use=count)
    return acting  # type: ignore[misc]
