"""A difference has one open row, which is closed once it is no longer seen; a new one is counted once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.workflow.models import Finding
from apps.workflow.selectors import findings as selectors
from apps.workflow.services import findings

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = ("power", "domain")


def see(*subjects: str, host: str = "h1", kind: str = "power") -> None:
    with findings.reporting(kinds=KINDS, host=host) as told:
        for subject in subjects:
            told.remains(kind, subject, found="off")


def test_seen_again_it_is_the_same_row() -> None:
    see("a")
    see("a", "b")
    rows = {row.subject: row.times for row in selectors.still_open()}
    assert rows == {"a": 2, "b": 1}
    assert selectors.open_by_kind() == {"power": 2}
    assert selectors.tally(name=findings.TALLY) == {"power": 2}


def test_what_is_not_seen_any_more_is_closed() -> None:
    see("a", "b")
    see("c", host="h2")
    see("b")
    assert {row.subject for row in selectors.still_open()} == {"b", "c"}
    see("a")
    assert Finding.objects.filter(subject="a").count() == 2, "it came back: that is another one"


def test_what_is_repaired_is_closed_at_once() -> None:
    see("a")
    with findings.reporting(kinds=KINDS, host="h1") as told:
        told.repaired("power", "a", found="off", done="started")
    row = Finding.objects.get()
    assert (row.done, row.times, row.resolved_at is None) == ("started", 2, False)


def test_open_ones_are_told_before_repairs() -> None:
    see("a")
    Finding.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    with findings.reporting(kinds=("domain",), host="h1") as told:
        for _ in range(selectors.LIMIT):
            told.repaired("domain", "a", found="off", done="started")
    rows = selectors.told_of(subjects=["a"], since=timezone.now() - timedelta(hours=2))
    assert len(rows) == selectors.LIMIT and rows[0].resolved_at is None


def test_a_look_that_broke_off_closes_nothing() -> None:
    see("a")
    with pytest.raises(RuntimeError), findings.reporting(kinds=KINDS, host="h1"):
        raise RuntimeError
    see("x", kind="domain", host="h2")
    assert {row.subject for row in selectors.still_open()} == {"a", "x"}


def test_other_kinds_are_left_alone() -> None:
    see("a")
    with findings.reporting(kinds=("quota",), host="h1"):
        pass
    assert selectors.still_open().count() == 1
