"""Running cells: many subjects are held at their moments, one victim dies, and every run has to end as specified."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from apps.workflow import catalogue
from tests.cloud import Cloud, wait_for
from tests.matrix import volumes
from tests.matrix.cells import DOWN, FIRST, HOSTS, SECOND, SHARED, Cell
from tests.matrix.moments import BEFORE, INSIDE, REVERT, Moment, Moments
from tests.matrix.subjects import KINDS, kind_of
from tests.matrix.ways import way

SIZE = 24  # cells of a batch: fewer than an agent's threads, for each is held in one
# Steps that may do nothing on a host: it has the image, or the disks have their names from the request.
WITHOUT_INSIDE = {
    ("backup.create", "begin"),
    ("server.migrate", "prepare"),
    ("server.revert_resize", "prepare_return"),
    ("server.return_from_dead", "prepare_return"),
    ("server.build", "map_block_devices"),
}


def batches(cells: Sequence[Cell]) -> Iterator[list[Cell]]:
    """Group cells by victim: those of one batch share its death. Reverts come last: a worker that is held after a step
    keeps its rows locked, and a step that waits for them does not come to its revert.
    """
    ordered = sorted(cells, key=lambda cell: (cell.victim, cell.moment == REVERT))
    for _, group in itertools.groupby(ordered, key=lambda cell: cell.victim):
        listed = list(group)
        yield from (listed[first : first + SIZE] for first in range(0, len(listed), SIZE))


@dataclass
class Case:
    """A cell with the subject of its run. ``missed``: its run passed the moment, or another cell keeps it from it."""

    cell: Cell
    name: str
    moments: Moments
    subject: str = ""
    held: Moment | None = None
    missed: bool = False

    @property
    def ends(self) -> set[str]:
        """How its run may end: one that nothing held may have ended well before the victim died."""
        return self.cell.ends | ({"succeeded"} if self.missed else set())


class Batch:
    """One run of a batch."""

    def __init__(self, cloud: Cloud, moments: Moments, cells: Sequence[Cell]) -> None:
        self.cloud, self.moments = cloud, moments
        self.cases = [Case(cell, f"{index:02d}-{cell.name}", moments) for index, cell in enumerate(cells)]

    def run(self) -> None:
        self._prepare()
        for case in self.cases:
            self._arm(case, BEFORE)
        self._enable(FIRST, SECOND)
        for case in self.cases:
            self._start(case)
        self._reach()
        insides = [case.cell for case in self.cases if case.missed and case.cell.moment == INSIDE]
        missed = {(cell.pipeline, cell.step) for cell in insides}
        assert missed <= WITHOUT_INSIDE, f"nothing was held inside {sorted(missed - WITHOUT_INSIDE)}"
        self._enable(*HOSTS)
        killed = self._kill()
        later = [case for case in self.cases if killed and self._waits(case)]
        failures = self._failures([case for case in self.cases if case not in later])
        for name in killed:
            self.cloud.start(name)
        wait_for(lambda: self.cloud.hosts_up() == len(HOSTS), what="all hosts back")
        failures += self._failures(later)
        assert not failures, "\n".join(failures)

    def end(self) -> None:
        """Leave the cloud as it was, however the batch went."""
        self.moments.end()
        self._enable(*HOSTS)
        for kind in KINDS.values():
            kind.clear(self.cloud)
        self.cloud.assert_clean()

    # --- before ---------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Make the subjects of pipelines that do not create theirs, all on one host."""
        self._enable(FIRST)
        others = [case for case in self.cases if not catalogue.get(case.cell.pipeline).creates]
        for case in others:
            case.subject = kind_of(case.cell.pipeline).make(self.cloud, case.name)
        for case in others:
            kind = kind_of(case.cell.pipeline)
            assert kind.settled(self.cloud, case.subject) == kind.usual
            way(case.cell.pipeline).ready(self.cloud, case)

    def _enable(self, *hosts: str) -> None:
        self.cloud.rows("UPDATE scheduling_host SET enabled = (name = ANY(%s))", list(hosts))

    def _arm(self, case: Case, moment: str) -> None:
        op = volumes.inside_of(case.cell.pipeline, case.name)
        case.held = Moment(case.name, case.cell.pipeline, case.cell.step, moment, op)
        self.moments.arm(case.held, subject_id=case.subject)

    def _start(self, case: Case) -> None:
        way(case.cell.pipeline).start(self.cloud, case)

    # --- the moment -----------------------------------------------------------------------------

    def _reach(self) -> None:
        """Bring every worker to its moment; a step without anything inside it is over when it is looked for."""
        for case in self.cases:
            self._wait(case, lambda case=case: bool(case.held) and self.moments.reached(case.held))
        for case in self.cases:
            if case.cell.moment != BEFORE:
                before = case.held
                self._arm(case, case.cell.moment)
                assert before is not None
                self.moments.release([before])
        for case in self.cases:
            self._wait(case, lambda case=case: self._is_there(case))
        self.moments.disarm([case.held for case in self.cases if case.held])

    def _wait(self, case: Case, condition: Callable[[], bool]) -> None:
        try:
            wait_for(condition, what=f"{case.name} at its moment")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self._steps(case)}") from None

    def _steps(self, case: Case) -> list[str]:
        runs = self.cloud.rows(
            "SELECT pipeline, state, next_step, step_state, queue, hosts, token, not_before, created_at, error_cause"
            " FROM workflow_run WHERE subject_id = %s",
            case.subject,
        )  # fmt: skip
        rows = self.cloud.rows(
            "SELECT s.name, s.direction, s.host, s.result, s.started_at, s.finished_at, s.error_details"
            " FROM workflow_step s"
            " JOIN workflow_run r ON r.id = s.run_id WHERE r.subject_id = %s AND r.pipeline = %s ORDER BY s.started_at",
            case.subject, case.cell.pipeline,
        )  # fmt: skip
        return [" ".join(map(str, row)) for row in (*runs, *rows)]

    def _is_there(self, case: Case) -> bool:
        assert case.held is not None
        if self.moments.reached(case.held):
            return True
        if self.moments.waits(case.cell.pipeline, case.subject):
            case.missed = case.cell.moment == REVERT
            return True
        done = self.cloud.rows(
            "SELECT 1 FROM workflow_step s JOIN workflow_run r ON r.id = s.run_id WHERE r.subject_id = %s"
            " AND r.pipeline = %s AND s.name = %s AND s.result <> ''",
            case.subject, case.cell.pipeline, case.cell.step,
        )  # fmt: skip
        case.missed = bool(done) and case.cell.moment == INSIDE
        return case.missed

    # --- the death ------------------------------------------------------------------------------

    def _kill(self) -> list[str]:
        """Kill the victim and release the held workers. Returns the processes that stay dead."""
        victim = self.cases[0].cell.victim
        held = [case.held for case in self.cases if case.held]
        if victim in SHARED:
            self._kill_shared(victim, held)
            return []
        hosts = sorted({host for host in map(self._host_of, self.cases) if host})
        names = [f"agent:{host}" for host in hosts]
        if victim.endswith(DOWN):
            self.cloud.lose_hosts(*hosts)
            self.moments.release(held)
            return names
        for name in names:
            self.cloud.kill(name)
        self.moments.release(held)
        return []

    def _kill_shared(self, victim: str, held: list[Moment]) -> None:
        if victim == "redis":
            self.cloud.services.redis.stop()
            self.moments.release(held)
            self.cloud.services.redis.start()
        elif victim == "postgresql":
            self.moments.disarm(held)
            self.cloud.services.postgresql.stop()
            self.cloud.services.postgresql.start()
            self.moments.forget()
        else:
            self.cloud.kill(victim)
            self.moments.release(held)
        wait_for(self.cloud.healthy, what="a healthy API")

    def _host_of(self, case: Case) -> str:
        """Return the host that has the victim's role; the first one while none is chosen."""
        rows = self.cloud.rows(
            "SELECT coalesce(nullif(r.hosts ->> %s, ''), CASE WHEN r.hosts = '{}' THEN r.host END, '')"
            " FROM workflow_run r WHERE r.subject_id = %s AND r.pipeline = %s ORDER BY r.created_at DESC LIMIT 1",
            case.cell.role, case.subject, case.cell.pipeline,
        )  # fmt: skip
        chosen = rows[0][0] if rows else ""
        return chosen or (SECOND if case.cell.role == "destination" else FIRST)

    # --- after ----------------------------------------------------------------------------------

    def _failures(self, cases: Sequence[Case]) -> list[str]:
        """Check the cases. Returns the name of each that did not end well, and how it ended."""
        failures = []
        for case in cases:
            try:
                self._check(case)
            except AssertionError as error:
                failures.append(f"{case.name}: {error}")
        return failures

    def _check(self, case: Case) -> None:
        """The subject is as the pipeline leaves it, and its run ended as the pipeline says."""
        pipeline, kind = case.cell.pipeline, kind_of(case.cell.pipeline)
        releases = catalogue.get(pipeline).releases
        if releases:
            wait_for(lambda: kind.is_gone(self.cloud, case.subject), what=f"{case.name} gone")
        else:
            end = kind.settled(self.cloud, case.subject)
        runs = self.cloud.rows(
            "SELECT state, error_cause, error_message FROM workflow_run WHERE subject_id = %s AND pipeline = %s",
            case.subject, pipeline,
        )  # fmt: skip
        expected = way(pipeline).end_of(runs[0][0]) or kind.usual
        assert releases or end == expected, (case.name, end, runs)
        assert runs[0][0] in case.ends, (case.name, runs, case.ends)
        kind.check(self.cloud, case.subject, releases)

    def _waits(self, case: Case) -> bool:
        """Return whether the pipeline waits for its host to come back: for the held step, or for a later one."""
        entry = catalogue.get(case.cell.pipeline)
        left = entry.steps[entry.steps.index(case.cell.step) :]
        return any(entry.when_down(step) == "wait" for step in left)
