"""A second subject of runs, as gadgets will be one. Its rows are images: these have names, deletions and a page."""

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from apps.common.context import RequestContext
from apps.images.models import Image
from apps.workflow import catalogue
from apps.workflow.catalogue import Subject
from apps.workflow.models import Run
from apps.workflow.services import runs
from workers.engine.pipeline import Pipeline
from workers.engine.steps import SCHEDULER, Step, StepContext
from workers.pipelines import registry

CONTEXT = RequestContext(user_id="u", project_id="p")


def _existing(ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    return set(Image.objects.filter(id__in=ids, deleted_at=None).values_list("id", flat=True))


def _names(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    return {key: name or "" for key, name in Image.objects.filter(id__in=ids).values_list("id", "name")}


def _like(text: str) -> list[uuid.UUID]:
    return list(Image.objects.filter(name__icontains=text).values_list("id", flat=True))


GADGET = Subject(name="gadget", model="images.Image", existing=_existing, names=_names, like=_like)
WITHOUT_PAGE = replace(GADGET, model="sessions.Session")


class Create(Step[None]):
    name = "create"
    role = SCHEDULER

    def execute(self, ctx: StepContext) -> None:
        pass


@contextmanager
def known(subject: Subject = GADGET) -> Iterator[Pipeline]:
    """Register the subject with one pipeline, as the start of a process does."""
    pipeline = Pipeline(
        name="gadget.create", subject=subject, steps=(Create(),), creates=True, when_failed="the gadget becomes error"
    )
    entries, subjects = catalogue.everything(), catalogue.subjects()
    registry.PIPELINES[pipeline.name] = pipeline
    catalogue.fill([*entries, pipeline.entry])
    catalogue.fill_subjects([*subjects, pipeline.subject])
    try:
        yield pipeline
    finally:
        del registry.PIPELINES[pipeline.name]
        catalogue.fill(entries)
        catalogue.fill_subjects(subjects)


def gadget(name: str = "data") -> uuid.UUID:
    return Image.objects.create(name=name, project_id="p").id


def start(key: uuid.UUID, **values: Any) -> Run:
    """Start its creation; ``values`` are what the row says later."""
    run = runs.start(context=CONTEXT, pipeline="gadget.create", action="create", subject_id=key)
    Run.objects.filter(id=run.id).update(**values)
    run.refresh_from_db()
    return run
