"""Counters computed from rows: they match the rows, and never decrease when rows are pruned."""

from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from apps.operations.metrics import page
from apps.workflow.models import Run, Step, Tally
from apps.workflow.selectors import counters as selectors
from apps.workflow.services import counters, runs
from tests.unit.operations.metrics import rows
from workers.periodic import counting

pytestmark = pytest.mark.django_db


def told() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the counters of /metrics: (sample, labels) -> value."""
    found = {}
    for family in text_string_to_metric_families(page.render().decode()):
        if family.type in ("counter", "histogram") and not family.name.startswith("celerity_api"):
            for sample in family.samples:
                found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def value(name: str, **labels: str) -> float:
    return told().get((name, tuple(sorted(labels.items()))), 0.0)


def test_boots_by_result_and_cause() -> None:
    rows.add(3)
    rows.add(2, state="failed", cause="NoValidHost")
    rows.add(1, state="cancelled")
    rows.add(1, state="running")
    assert value("celerity_boots_total", result="succeeded", cause="") == 3
    assert value("celerity_boots_total", result="failed", cause="NoValidHost") == 2
    assert value("celerity_runs_total", pipeline="server.build", result="cancelled") == 1
    assert value("celerity_boot_seconds_count") == 3
    assert value("celerity_boot_seconds_bucket", le="0.25") == 0
    assert value("celerity_boot_seconds_bucket", le="0.5") == 3
    assert value("celerity_boot_seconds_sum") == pytest.approx(1.2)


def test_waiting_apart_from_working() -> None:
    rows.add(4)
    spawn = {"pipeline": "server.build", "step": "spawn"}
    assert value("celerity_step_waiting_seconds_sum", **spawn) == pytest.approx(0.08)
    assert value("celerity_step_working_seconds_sum", **spawn) == pytest.approx(0.8)
    assert value("celerity_step_waiting_seconds_bucket", **spawn, le="0.025") == 4
    assert value("celerity_step_working_seconds_bucket", **spawn, le="0.1") == 0
    assert value("celerity_steps_total", **spawn, result="success") == 4


def test_a_step_that_was_lost_has_no_duration() -> None:
    one = rows.add(1)[0]
    Step.objects.bulk_create(rows.steps(one, result="lost"))
    assert value("celerity_steps_total", pipeline="server.build", step="spawn", result="lost") == 1
    assert value("celerity_step_working_seconds_count", pipeline="server.build", step="spawn") == 1


def test_folding_changes_nothing_that_is_told() -> None:
    rows.add(5, age_seconds=600)
    rows.add(2, age_seconds=300, state="failed", cause="BuildTimeout")
    rows.add(3)
    before = told()
    assert counters.fold()
    assert Tally.objects.filter(name="boots").count() == 2, "the older runs are in the tallies, the new ones are not"
    assert told() == before
    counters.fold()
    assert told() == before, "nothing is counted twice"


def test_no_counter_goes_down_when_runs_are_deleted() -> None:
    old = rows.add(5, age_seconds=600)
    before = told()
    counters.fold()
    runs.forget(run_ids=[one.id for one in old])
    assert not Run.objects.exists()
    assert told() == before


def test_counting_waits_for_runs_that_have_not_ended() -> None:
    rows.add(1, age_seconds=900)
    slow = rows.add(1, age_seconds=600, state="running")[0]
    rows.add(1, age_seconds=300)
    counters.fold()
    assert value("celerity_boots_total", result="succeeded", cause="") == 2
    assert selectors.moment(Tally.objects.get(name="counted_until").value) < slow.created_at
    slow.state = "failed"
    slow.error_cause = "BuildTimeout"
    slow.save()
    counters.fold()
    assert value("celerity_boots_total", result="failed", cause="BuildTimeout") == 1
    assert value("celerity_boots_total", result="succeeded", cause="") == 2


def test_counting_goes_on_in_steps() -> None:
    """Every run is counted once, wherever the boundaries fall: here between runs a microsecond apart."""
    at = timezone.now() - timedelta(seconds=600)
    made = [rows.run(at=at + timedelta(microseconds=number), state="running") for number in range(4)]
    Run.objects.bulk_create(made)
    for ended, one in enumerate(made, start=1):
        counters.fold()
        one.state = "succeeded"
        one.save()
        counters.fold()
        assert Tally.objects.get(name="boots").value == ended
    assert value("celerity_boots_total", result="succeeded", cause="") == 4


def test_an_odd_cause_is_a_label_of_its_length() -> None:
    rows.add(1, state="failed", cause='Öops {}\n"x"' + "y" * 50, age_seconds=600)
    counters.fold()
    cause = next(dict(labels)["cause"] for (name, labels) in told() if name == "celerity_boots_total")
    assert cause.startswith("opsxyyy") and len(cause) == 48


def test_beat_and_scheduler_are_seen_to_live() -> None:
    assert value("celerity_periodic_rounds_total") == 0
    counting.count()
    counting.count()
    assert value("celerity_periodic_rounds_total") == 2
