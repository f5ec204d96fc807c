"""Runs of servers, served in this process with the drivers of one simulated host."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.common import dispatch
from apps.workflow import states
from apps.workflow.models import Run
from workers.config import HostDrivers
from workers.drivers.backup import loader as backups
from workers.drivers.hypervisor import loader as hypervisors
from workers.drivers.network import loader as networks
from workers.drivers.storage import loader as storages
from workers.drivers.volume import loader as volumes
from workers.engine import runner
from workers.engine.errors import Stale
from workers.pipelines.registry import PIPELINES
from workers.system.paths import HostPaths

HOST = "sim-001"


def drivers_of(host: str, directory: Path) -> HostDrivers:
    """Return the drivers of a simulated host."""
    options = {"state_dir": directory, "host": host, "plan_file": directory / "plan.json"}
    return HostDrivers(
        host=host,
        hypervisor=hypervisors.load("simulated", options),
        network=networks.load("simulated", options),
        storage=storages.load("simulated", options),
        volume=volumes.load("simulated", options),
        backup=backups.load("simulated", options),
        paths=HostPaths(directory / host),
    )


class Worker:
    """The agent of one host: it takes the steps of started runs when the test says so."""

    def __init__(self, directory: Path) -> None:
        self.plan_file = directory / "plan.json"
        self.drivers = drivers_of(HOST, directory)
        self.directory = directory / HOST

    def plan(self, *faults: dict[str, Any]) -> None:
        self.plan_file.write_text(json.dumps({"faults": faults}))

    def record(self, kind: str, name: object) -> Any:
        path = self.directory / kind / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def step(self, run: Run) -> None:
        """Do what the run is at: a step, or its revert."""
        pipeline = PIPELINES[run.pipeline]
        message = {
            "run_id": str(run.id), "subject_id": str(run.subject_id), "token": run.token, "host": run.host,
            "unreachable": "", "long": run.queue.endswith(".long"), "also": run.also,
        }  # fmt: skip
        with contextlib.suppress(Stale):
            if run.next_step == states.REVERT:
                runner.run_revert(pipeline, message, self.drivers)
            else:
                runner.run_step(pipeline, pipeline.steps[pipeline.index(run.next_step)], message, self.drivers)

    def work(self) -> list[str]:
        """Serve all runs until they have ended. Returns how each ended, in the order of their beginnings."""
        rows = Run.objects.filter(leader_id=None).order_by("created_at")
        while run := rows.filter(state__in=states.ACTIVE).first():
            self.step(run)
        return list(rows.filter(pipeline__in=PIPELINES).values_list("state", flat=True))


@contextlib.contextmanager
def worker(directory: Path, monkeypatch: Any) -> Iterator[Worker]:
    monkeypatch.setattr(dispatch, "_send", lambda run: None)
    made = Worker(directory)
    yield made
    made.drivers.hypervisor.close()
