"""What apps know of pipelines, and what the sweeper does with runs whose host is down: as each pipeline says."""

import math
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from apps.common import dispatch
from apps.common.context import RequestContext
from apps.common.exceptions import Conflict
from apps.scheduling.models import Host
from apps.workflow import catalogue, states
from apps.workflow.catalogue import Entry
from apps.workflow.models import Run
from apps.workflow.selectors import boots, counters
from apps.workflow.services import cancellation, runs
from workers import listening, routing
from workers.engine.pipeline import Pipeline
from workers.engine.steps import HOST, SCHEDULER, Step
from workers.engine.subjects import SERVER
from workers.periodic import sweeper
from workers.pipelines import registry
from workers.routing import PERIODIC_QUEUE

CONTEXT = RequestContext(user_id="u", project_id="p", roles=("member",), is_admin=False)
OURS = [
    Entry(name="server.test_elsewhere", subject="server", steps=("schedule",), on_host_down="elsewhere"),
    Entry(name="server.test_rows_only", subject="server", steps=("release",), on_host_down="rows_only", releases=True),
    Entry(name="server.test_wait", subject="server", steps=("work",)),
    Entry(name="volume.test_fail", subject="volume", steps=("copy",), on_host_down="fail", deadline_seconds=7200),
    Entry(name="gadget.test_create", subject="gadget", steps=("create",), creates=True),
]
StartRun = Callable[[str], Run]


@pytest.fixture
def start_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[StartRun]:
    """Start a run on a host that is not there, as if its message had been sent a minute ago."""
    monkeypatch.setattr(dispatch, "send", lambda run: True)
    before = [catalogue.get(name) for name in registry.PIPELINES]

    def start(pipeline: str) -> Run:
        run = runs.start(context=CONTEXT, pipeline=pipeline, action="x", subject_id=uuid.uuid4(), host="gone")
        Run.objects.filter(id=run.id).update(enqueued_at=timezone.now() - timedelta(minutes=1))
        return run

    catalogue.fill([*before, *OURS])
    yield start
    catalogue.fill(before)


def test_the_catalogue_is_what_workers_run() -> None:
    for name, pipeline in registry.PIPELINES.items():
        assert catalogue.get(name) == pipeline.entry
        assert pipeline.entry.steps == tuple(pipeline.step_names())
    assert catalogue.boots() == ["server.build"]
    assert catalogue.io_heavy() == [
        "server.build",
        "server.create_backup",
        "server.create_image",
        "server.evacuate",
        "server.live_migrate",
        "server.migrate",
        "server.rebuild",
        "server.rebuild_volume",
        "server.shelve",
        "server.unshelve",
    ]
    with pytest.raises(KeyError):
        catalogue.get("server.lock")
    recorded = catalogue.find("server.lock")
    assert (recorded.noun, recorded.subject, recorded.releases) == ("lock", "server", False)


def test_which_hosts_a_migration_needs_at_each_step() -> None:
    """The source until its disks are copied, the destination until the server runs there."""
    both, destination = {"source": "fail", "destination": "elsewhere"}, {"destination": "elsewhere"}
    assert catalogue.get("server.migrate").lost == {
        "schedule": both, "prepare": both, "power_off": both, "copy": both, "finish": destination, "clear_source": {},
    }  # fmt: skip
    assert not any(catalogue.get("server.delete_moving").lost.values()) and not catalogue.get("server.build").lost


def test_two_pipelines_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one name"):
        catalogue.fill([OURS[0], OURS[0]])
    assert catalogue.get("server.build").creates  # nothing was changed


class At(Step[None]):
    """A step as the test wants it."""

    def __init__(self, *, name: str = "work", role: str = HOST, long: bool = False) -> None:
        self.name, self.role, self.long = name, role, long


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "volume.create"},
        {"name": "server.work", "steps": ()},
        {"name": "server.work", "on_host_down": "elsewhere"},
        {"name": "server.work", "steps": (At(role="destinaton"),)},
        {"name": "server.work", "steps": (At(role=PERIODIC_QUEUE),)},
        {"name": "server.work", "steps": (At(role=SCHEDULER, long=True),)},
        {"name": "server.work", "steps": (At(), At())},
        {"name": "server.work", "steps": (At(name="revert"),)},
        {"name": "server.work", "on_host_down": {"source": "fail"}},
        {"name": "server.work", "on_retryable": "reschedule", "chooses": "source"},
        {"name": "server.work", "pivot": "other"},
    ],
)
def test_a_pipeline_that_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="the pipeline"):
        Pipeline(**{"subject": SERVER, "steps": (At(),), **wrong})  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_does_with_runs_on_a_dead_host_what_their_pipelines_say(start_run: StartRun) -> None:
    made = {entry.on_host_down: start_run(entry.name) for entry in OURS[:4]}
    done = sweeper.sweep()
    found = {word: Run.objects.get(id=run.id) for word, run in made.items()}

    assert done["host down: test_elsewhere leaves it"] == done["host down: test_fail fails"] == 1
    for word, retrying in (("elsewhere", True), ("fail", False)):
        run = found[word]
        assert (run.state, run.next_step, run.retrying) == (states.REVERTING, states.REVERT, retrying)
        assert (run.error_cause, run.queue) == ("HostDown", routing.DETACHED_QUEUE)
    assert (found["rows_only"].state, found["rows_only"].queue) == (states.QUEUED, routing.DETACHED_QUEUE)
    assert (found["wait"].token, found["wait"].queue) == (made["wait"].token, "host.gone")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("dead", [False, True])
def test_a_sweeper_that_has_just_begun(start_run: StartRun, monkeypatch: pytest.MonkeyPatch, dead: bool) -> None:
    """It gives up no host: after a power cut it looks before any is heard. What an operator declared dead is dead."""
    monkeypatch.setattr(listening, "_since", -math.inf)
    listening.begin()
    Host.objects.create(
        name="gone", zone="z", number=1, forced_down=dead, heartbeat_at=timezone.now() - timedelta(hours=1)
    )
    run = start_run("server.test_elsewhere")
    done = sweeper.sweep()
    run.refresh_from_db()
    assert ("host down: test_elsewhere leaves it" in done) is dead
    assert (run.state, run.queue) == (
        (states.REVERTING, routing.DETACHED_QUEUE) if dead else (states.QUEUED, "host.gone")
    )


@pytest.mark.django_db(transaction=True)
def test_no_run_waits_for_a_host_that_was_declared_dead(start_run: StartRun) -> None:
    """A reboot fails, so that its server can be evacuated; a detachment is done: nothing runs there."""
    Host.objects.create(name="gone", zone="z", number=1, forced_down=True)
    waiting, detaching = start_run("server.test_wait"), start_run("server.detach_volume")
    sweeper.sweep()
    waiting.refresh_from_db()
    detaching.refresh_from_db()
    assert (waiting.state, waiting.error_cause, waiting.queue) == (states.REVERTING, "HostDown", routing.DETACHED_QUEUE)
    assert (detaching.state, detaching.queue) == (states.QUEUED, routing.DETACHED_QUEUE)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("step", "is_undone"), [("copy", True), ("finish", True), ("clear_source", False)])
def test_a_run_is_cancelled_up_to_its_pivot(start_run: StartRun, step: str, is_undone: bool) -> None:
    run = start_run("server.migrate")
    Run.objects.filter(id=run.id).update(next_step=step)
    run.refresh_from_db()
    with nullcontext() if is_undone else pytest.raises(Conflict, match="can no longer be undone"):
        cancellation.cancel(run=run, message="The migration was cancelled by an operator.")
    run.refresh_from_db()
    assert (run.state == states.REVERTING) is is_undone


@pytest.mark.django_db(transaction=True)
def test_a_run_has_its_pipelines_subject_and_deadline(start_run: StartRun) -> None:
    run = start_run("volume.test_fail")
    assert run.subject_type == "volume"
    assert run.deadline_at - run.created_at == timedelta(seconds=7200)
    usual = start_run("server.test_wait")
    assert usual.deadline_at - usual.created_at == timedelta(seconds=settings.INSTANCE_BUILD_TIMEOUT)


@pytest.mark.django_db(transaction=True)
def test_boots_are_the_runs_that_make_a_server(start_run: StartRun) -> None:
    for name in ("server.build", "gadget.test_create", "server.test_wait"):
        run = start_run(name)
        Run.objects.filter(id=run.id).update(state=states.SUCCEEDED, finished_at=timezone.now())
    assert boots.of_late(minutes=5).rate == 0.2
    assert counters.everything()["boots"] == {"succeeded ": 1}
    assert [entry.name for entry in catalogue.creating("gadget")] == ["gadget.test_create"]


@pytest.mark.django_db(transaction=True)
def test_a_boot_counts_however_long_its_pipeline_allows(start_run: StartRun) -> None:
    """The window of boots looks back as far as the longest of them may have begun."""
    slow = Entry(name="server.test_import", subject="server", steps=("copy",), creates=True, deadline_seconds=86400)
    catalogue.fill([*catalogue.everything(), slow])
    run = start_run(slow.name)
    began = timezone.now() - timedelta(hours=20)
    Run.objects.filter(id=run.id).update(state=states.SUCCEEDED, created_at=began, finished_at=timezone.now())
    assert boots.of_late(minutes=5).rate == 0.2


def test_every_pipeline_file_is_registered() -> None:
    """A pipeline is one file of workers/pipelines: no list names it."""
    files = {path.stem for path in Path(registry.__file__).parent.glob("*.py")} - {"__init__", "registry", "links"}
    assert {name.replace(".", "_") for name in registry.PIPELINES} == files
