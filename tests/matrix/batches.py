"""Running cells: many servers are held at their moments, one victim dies for all of them, and all have to end well."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from apps.compute.actions import ACTIONS, ServerAction
from apps.workflow import catalogue
from tests.cloud import Cloud, wait_for
from tests.matrix.cells import DOWN, SHARED, Cell
from tests.matrix.moments import BEFORE, INSIDE, Moment, Moments

HOSTS = ("sim-001", "sim-002", "sim-003", "sim-004")
FIRST, SECOND = HOSTS[0], HOSTS[1]
SIZE = 24  # cells of a batch: fewer than an agent's threads, for each is held in one
WITHOUT_INSIDE = {("server.migrate", "prepare")}  # steps that may do nothing: the image is cached there already
ENDS = {"server.stop": "SHUTOFF"}  # others end as ACTIVE, and deletes without a server


def batches(cells: Sequence[Cell]) -> Iterator[list[Cell]]:
    """Group cells by victim: those of one batch share its death."""
    for _, group in itertools.groupby(sorted(cells, key=lambda cell: cell.victim), key=lambda cell: cell.victim):
        listed = list(group)
        yield from (listed[first : first + SIZE] for first in range(0, len(listed), SIZE))


@dataclass
class Case:
    """A cell with its server."""

    cell: Cell
    name: str
    moments: Moments
    server: str = ""
    held: Moment | None = None
    inside_missed: bool = False


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
        missed = {(case.cell.pipeline, case.cell.step) for case in self.cases if case.inside_missed}
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
        self.cloud.delete_all()
        self.cloud.assert_clean()

    # --- before ---------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Boot the servers that pipelines other than a build need, all on one host."""
        self._enable(FIRST)
        others = [case for case in self.cases if case.cell.pipeline != "server.build"]
        for case in others:
            case.server = self.cloud.create(case.name)
        for case in others:
            assert self.cloud.settled(case.server)["status"] == "ACTIVE"
            way(case.cell.pipeline)[0](self.cloud, case)

    def _enable(self, *hosts: str) -> None:
        self.cloud.rows("UPDATE scheduling_host SET enabled = (name = ANY(%s))", list(hosts))

    def _arm(self, case: Case, moment: str) -> None:
        case.held = Moment(case.name, case.cell.pipeline, case.cell.step, moment)
        self.moments.arm(case.held, server_id=case.server)

    def _start(self, case: Case) -> None:
        way(case.cell.pipeline)[1](self.cloud, case)

    # --- the moment -----------------------------------------------------------------------------

    def _reach(self) -> None:
        """Bring every worker to its moment; a step without anything inside it is over when it is looked for."""
        self.moments.wait([case.held for case in self.cases if case.held])
        for case in self.cases:
            if case.cell.moment != BEFORE:
                before = case.held
                self._arm(case, case.cell.moment)
                assert before is not None
                self.moments.release([before])
        for case in self.cases:
            wait_for(lambda case=case: self._is_there(case), what=f"{case.name} at its moment")
        self.moments.disarm([case.held for case in self.cases if case.held])

    def _is_there(self, case: Case) -> bool:
        assert case.held is not None
        if self.moments.reached(case.held) or self.moments.waits(case.server):
            return True
        done = self.cloud.rows(
            "SELECT 1 FROM workflow_step s JOIN workflow_run r ON r.id = s.run_id WHERE r.subject_id = %s"
            " AND r.pipeline = %s AND s.name = %s AND s.result <> ''",
            case.server, case.cell.pipeline, case.cell.step,
        )  # fmt: skip
        case.inside_missed = bool(done) and case.cell.moment == INSIDE
        return case.inside_missed

    # --- the death ------------------------------------------------------------------------------

    def _kill(self) -> list[str]:
        """Let the victim die and the held workers go on. Returns the processes that stay dead."""
        victim = self.cases[0].cell.victim
        held = [case.held for case in self.cases if case.held]
        if victim in SHARED:
            self._kill_shared(victim, held)
            return []
        names = sorted({f"agent:{host}" for host in map(self._host_of, self.cases) if host})
        down = victim.endswith(DOWN)
        for name in names:
            self.cloud.kill(name, restart=not down)
        self.moments.release(held)
        return names if down else []

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
            case.cell.role, case.server, case.cell.pipeline,
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
        """The server is as the pipeline leaves it, on one host, and its run ended as the pipeline says."""
        end = None if catalogue.get(case.cell.pipeline).releases else ENDS.get(case.cell.pipeline, "ACTIVE")
        if end is None:
            wait_for(lambda: self.cloud.server(case.server) is None, what=f"{case.name} gone")
            server: dict[str, Any] = {"status": None}
        else:
            server = self.cloud.settled(case.server)
        runs = self.cloud.rows(
            "SELECT state, error_cause, error_message FROM workflow_run WHERE subject_id = %s AND pipeline = %s",
            case.server, case.cell.pipeline,
        )  # fmt: skip
        assert server["status"] == end, (case.name, server.get("fault"), runs)
        assert runs[0][0] in case.cell.ends, (case.name, runs, case.cell.ends)
        claimed = self.cloud.rows(
            "SELECT h.name FROM scheduling_allocation a JOIN scheduling_host h ON h.id = a.host_id"
            " WHERE a.consumer_id = %s OR a.consumer_id IN (SELECT id FROM workflow_run WHERE subject_id = %s)",
            case.server, case.server,
        )  # fmt: skip
        assert claimed == ([] if end is None else [(server["OS-EXT-SRV-ATTR:host"],)]), case.name

    def _waits(self, case: Case) -> bool:
        """Whether the pipeline waits for its host, and is over only when that is back."""
        return catalogue.get(case.cell.pipeline).when_down(case.cell.step) == "wait"


def _build(cloud: Cloud, case: Case) -> None:
    """With a separate image: one that a host has in its cache is not fetched."""
    case.server = cloud.create(case.name, imageRef=cloud.image(case.name))


def _nothing(cloud: Cloud, case: Case) -> None:
    """A running server is what it needs."""


def _stopped(cloud: Cloud, case: Case) -> None:
    _action({"os-stop": None})(cloud, case)
    assert cloud.settled(case.server)["status"] == "SHUTOFF"


def _paused(cloud: Cloud, case: Case) -> None:
    """Somebody paused the guest on its host: the row follows."""
    record = cloud.state / "simulated" / FIRST / "domains" / f"{case.server}.json"
    data = {**json.loads(record.read_text()), "power_state": "paused"}
    replacement = record.with_suffix(".new")
    replacement.write_text(json.dumps(data))
    replacement.replace(record)
    wait_for(lambda: (cloud.server(case.server) or {}).get("status") == "PAUSED", what="the pause seen")


def _action(body: dict[str, Any]) -> Callable[[Cloud, Case], None]:
    def act(cloud: Cloud, case: Case) -> None:
        answer = cloud.call("POST", f"/compute/v2.1/servers/{case.server}/action", body)
        assert answer.status_code == 202, answer.text

    return act


def _delete(cloud: Cloud, case: Case) -> None:
    assert cloud.call("DELETE", f"/compute/v2.1/servers/{case.server}").status_code == 204


def _delete_moving(cloud: Cloud, case: Case) -> None:
    """Delete it while its disks are being copied."""
    copying = Moment(case.name, "server.migrate", "copy", INSIDE)
    case.moments.arm(copying, server_id=case.server)
    perform(cloud, case.server, ACTIONS["migrate"])
    case.moments.wait([copying])
    _delete(cloud, case)
    case.moments.release([copying])


def perform(cloud: Cloud, server_id: str, action: ServerAction) -> None:
    """Do an action as the API would, which may not offer it yet."""
    code = (
        "from apps.common.context import RequestContext as Context; from apps.compute.selectors import servers;"
        " from apps.compute.actions import ACTIONS; from apps.compute.services import server_actions;"
        f" server = servers.load(server_id='{server_id}');"
        " context = Context(user_id='admin', project_id=server.project_id, request_id='req-matrix');"
        f" server_actions.perform(context=context, server=server, action=ACTIONS['{action.name}'])"
    )
    cloud.manage("shell", "-v", "0", "-c", code)


def _by_catalogue(pipeline: str) -> tuple[Callable[[Cloud, Case], None], Callable[[Cloud, Case], None]] | None:
    """Return how a server is made ready for an action that has this pipeline, and how the action begins."""
    action = next((row for row in ACTIONS.values() if row.pipeline == pipeline), None)
    if action is None:
        return None
    ready = {"stopped": _stopped, "paused": _paused}.get((action.vm_states or ("active",))[0], _nothing)
    if action.key:
        return ready, _action({action.key: None})
    return ready, lambda cloud, case: perform(cloud, case.server, action)


# What the catalogue of actions cannot say: (how the server is made ready, how the pipeline begins).
SPECIAL = {
    "server.build": (_nothing, _build),
    "server.delete": (_nothing, _delete),
    "server.delete_moving": (_nothing, _delete_moving),
    "server.reboot": (_nothing, _action({"reboot": {"type": "HARD"}})),
}


def way(pipeline: str) -> tuple[Callable[[Cloud, Case], None], Callable[[Cloud, Case], None]]:
    found = SPECIAL.get(pipeline) or _by_catalogue(pipeline)
    assert found is not None, f"neither apps/compute/actions.py nor SPECIAL says how {pipeline} is started"
    return found
