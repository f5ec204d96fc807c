"""Runs of a subject other than a server: pages name and find it, and link to its page if it has one."""

import uuid
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.workflow.models import Finding, Run
from tests import gadgets
from tests.admin.acting import change
from tests.gadgets import GADGET, WITHOUT_PAGE, gadget, start
from workers.engine.pipeline import Pipeline

pytestmark = pytest.mark.django_db
LIST = reverse("admin:workflow_run_changelist")


@pytest.fixture(params=[GADGET, WITHOUT_PAGE], ids=["page", "no page"])
def pipeline(request: pytest.FixtureRequest) -> Iterator[Pipeline]:
    with gadgets.known(request.param) as known:
        yield known


@pytest.fixture
def run(pipeline: Pipeline) -> Run:
    return start(gadget("data-disk"), state="failed", error_cause="Boom", finished_at=timezone.now())


def page_of(pipeline: Pipeline, key: uuid.UUID) -> str | None:
    return reverse("admin:images_image_change", args=[key]) if pipeline.subject is GADGET else None


def test_its_runs_are_listed_and_found(operator: Client, pipeline: Pipeline, run: Run) -> None:
    page = page_of(pipeline, run.subject_id)
    for found in (LIST, f"{LIST}?q=data-di"):
        text = operator.get(found).content.decode()
        assert str(run.pk) in text and "data-disk" in text
        assert (page in text) if page else (f"/{run.subject_id}/change" not in text)
        if page:
            assert operator.get(page).status_code == 200
    assert str(run.pk) not in operator.get(f"{LIST}?q=other-disk").content.decode()


def test_pages_about_it_name_it_and_offer_nothing_of_a_servers(operator: Client, pipeline: Pipeline, run: Run) -> None:
    page = page_of(pipeline, run.subject_id)
    finding = Finding.objects.create(kind="gadgets", subject=str(run.subject_id), found="it has no file")
    for row in (run, finding):
        text = operator.get(change(row)).content.decode()
        assert "data-disk" in text and (page is None or page in text)
        assert reverse("admin:compute_server_change", args=[run.subject_id]) not in text
    assert "/do/" not in operator.get(change(run)).content.decode()
    assert f"celerity why {run.subject_id}" in operator.get(change(finding)).content.decode()


def test_a_subject_without_a_name_has_a_link_all_the_same(operator: Client, pipeline: Pipeline) -> None:
    key = start(gadget(""), state="succeeded").subject_id
    text = operator.get(LIST).content.decode()
    page = page_of(pipeline, key)
    assert str(key)[:8] in text and (page is None or page in text)


def test_the_start_page_names_it_among_the_failures(operator: Client, run: Run) -> None:
    text = operator.get("/admin/").content.decode()
    assert "data-disk" in text and "<b>Boom</b>" in text
