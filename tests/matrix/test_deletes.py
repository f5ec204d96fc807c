"""Deletes of servers that are being moved: when the server is gone, neither host has anything of it."""

import itertools
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from tests.cloud import Cloud, wait_for
from tests.matrix.batches import WITHOUT_INSIDE, Batch, Case
from tests.matrix.cells import Cell
from tests.matrix.moments import AFTER, BEFORE, INSIDE, Moments
from workers.pipelines import server_migrate

pytestmark = pytest.mark.processes
MIGRATE = server_migrate.PIPELINE
SCHEDULE = MIGRATE.steps[0].name


class Deletes(Batch):
    """Nobody dies: the servers are deleted while their migrations are held."""

    rows_are_locked = False

    def _kill(self) -> list[str]:
        held = [case.held for case in self.cases if case.held]
        with ThreadPoolExecutor(len(self.cases)) as pool:
            deletes = [pool.submit(self._delete, case) for case in self.cases]
            if not self.rows_are_locked:
                wait(deletes)
            self.moments.release(held)
        for delete in deletes:
            delete.result()
        return []

    def _delete(self, case: Case) -> None:
        """Again after a 503: its row was locked for longer than a call may wait."""
        codes: list[int] = []

        def is_answered() -> bool:
            codes.append(self.cloud.call("DELETE", f"/compute/v2.1/servers/{case.subject}").status_code)
            return codes[-1] != 503

        wait_for(is_answered, what=f"an answer to the delete of {case.name}")
        assert codes[-1] == 204

    def _check(self, case: Case) -> None:
        """Both hosts are empty of it at once: not because recovery found it."""
        left = "SELECT task_state FROM compute_server WHERE id = %s AND deleted_at IS NULL"
        wait_for(lambda: not self.cloud.rows(left, case.subject), what=f"{case.name} gone")
        records = (self.cloud.state / "simulated").rglob("*.json")
        assert not [path for path in records if case.subject in f"{path} {path.read_text()}"]
        found = self.cloud.rows("SELECT kind, found FROM workflow_finding WHERE found LIKE %s", f"%{case.subject}%")
        found += self.cloud.rows("SELECT kind, found FROM workflow_finding WHERE subject = %s", case.subject)
        assert not found
        pipelines = self.cloud.rows(
            "SELECT pipeline, state, hosts ->> 'source', hosts ->> 'destination' FROM workflow_run"
            " WHERE subject_id = %s AND action = 'delete'",
            case.subject,
        )
        assert self.rows_are_locked or pipelines == [("server.delete_moving", "succeeded", "sim-001", "sim-002")]


class DeletesOfLocked(Deletes):
    """At its claim and at its finish a step has locked rows: the deletes wait for its release."""

    rows_are_locked = True


def run(deletes: Deletes) -> None:
    try:
        deletes.run()
    finally:
        deletes.end()


def test_deletes_inside_each_step_of_a_migration(matrix_cloud: Cloud, moments: Moments) -> None:
    steps = [step for step in MIGRATE.step_names() if step != SCHEDULE]  # that writes rows alone
    steps = [step for step in steps if (MIGRATE.name, step) not in WITHOUT_INSIDE]  # nothing holds it there
    run(Deletes(matrix_cloud, moments, [Cell(MIGRATE.name, step, INSIDE, "nobody") for step in steps]))


def test_deletes_around_each_step_of_a_migration(matrix_cloud: Cloud, moments: Moments) -> None:
    around = itertools.product(MIGRATE.step_names(), (BEFORE, AFTER))
    run(DeletesOfLocked(matrix_cloud, moments, [Cell(MIGRATE.name, step, when, "nobody") for step, when in around]))
