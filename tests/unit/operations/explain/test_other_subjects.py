"""`why` about a subject other than a server: its runs, without a server's sections."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.common import dispatch
from apps.images.models import Image
from apps.operations.explain import collect, diagnosis, queues, text
from apps.scheduling.models import Host
from apps.workflow.models import Finding, Run
from tests import gadgets
from tests.gadgets import GADGET, gadget, start

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(dispatch, "send", lambda run: True)
    monkeypatch.setattr(queues, "_messages", lambda queue: 1)
    with gadgets.known():
        yield


def told(key: uuid.UUID) -> str:
    """Return the whole page, which may not speak of servers."""
    story = collect.of_subject(GADGET, key, ask_workers=False)
    page = text.render(story)
    assert "server" not in page.lower(), page
    assert page.startswith(f"gadget  data  {key}"), page
    return " ".join(diagnosis.of_story(story))


def test_why_explains_its_run_under_way() -> None:
    key = gadget()
    run = start(key, queue="host.h1", host="h1")
    assert "Waiting: the step create has waited" in told(key)
    assert "There is no host h1 any more" in told(key)
    long_ago = timezone.now() - timedelta(minutes=5)
    Host.objects.create(name="h1", number=1, hypervisor_type="QEMU", heartbeat_at=long_ago)
    assert "The agent of h1 has not reported for 5 min. Start it; otherwise the run waits for the host." in told(key)
    Run.objects.filter(id=run.id).update(step_state="running", step_started_at=timezone.now())
    assert "The worker of the step create on h1 died" in told(key)
    Run.objects.filter(id=run.id).update(state="reverting", next_step="revert", error_message="The disk is full.")
    assert "When that is done the gadget becomes error." in told(key)


def test_why_says_who_holds_it() -> None:
    """The run of another subject works on it: its own row has no step and no queue."""
    key, leader = gadget(), uuid.uuid4()
    start(key, state="running", action="attach", leader_id=leader, queue="", next_step="", step_state="")
    assert told(key) == f"In use: the run {leader} (attach of another subject) also works on this gadget."


def test_why_explains_how_its_last_run_ended() -> None:
    key = gadget()
    run = start(key, state="failed", error_cause="not_enough_space", error_message="No space.")
    Finding.objects.create(kind="gadgets", subject=str(key), host="h1", found="it has no file")
    assert told(key).startswith("Its last action (create) failed: No space. The host's disk is full.")
    assert "A reconciler found on h1" in told(key)
    Run.objects.filter(id=run.id).update(state="succeeded")
    assert told(key).startswith("Done: no run of the gadget is active. ")
    Image.objects.filter(id=key).update(deleted_at=timezone.now())
    assert told(key).startswith("Done: no run of the gadget is active, and it is deleted. ")


def test_the_command_finds_it_by_its_id_or_name(capsys: pytest.CaptureFixture[str]) -> None:
    key = gadget("backup-disk")
    start(key, state="succeeded")
    for wanted in (str(key), "backup-disk"):
        call_command("why", wanted, "--no-workers")
        assert f"gadget  backup-disk  {key}" in capsys.readouterr().out
    with pytest.raises(CommandError, match="Nothing has the id or the name backup"):
        call_command("why", "backup")
    other = gadget("backup-disk")
    with pytest.raises(CommandError, match=f"gadget {other}"):
        call_command("why", "backup-disk")
