"""The links that we compose of a chain are what Celery's own chain would send."""

from typing import Any

import pytest
from celery import chain

from cloud.celery import app
from workers.pipelines import links, registry

RANDOM = {"task_id", "reply_to", "root_id", "parent_id", "group_index", "group_id"}


def shape(link: Any) -> dict[str, Any]:
    """Return a link as a message carries it, without the ids that are drawn for each."""
    values = dict(link)
    values["options"] = {key: value for key, value in values["options"].items() if key not in RANDOM}
    return values


@pytest.mark.parametrize("name", sorted(registry.PIPELINES))
def test_links_are_celerys(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = registry.PIPELINES[name]
    tasks = [pipeline.task_name(step) for step in pipeline.step_names()]
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(app.tasks[tasks[0]], "apply_async", lambda *_, **options: sent.append(options))
    chain(*(app.signature(task) for task in tasks)).apply_async(({"run_id": "r"},))
    ours = links.behind(app, tuple(tasks[1:]))
    assert [shape(link) for link in ours or []] == [shape(link) for link in sent[0].get("chain") or []]
