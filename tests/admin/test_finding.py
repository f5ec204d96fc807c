"""The search on top and those of lists; parts of pages that refresh; empty lists; causes of failures."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.common.admin import cells
from apps.compute.models import Server
from apps.workflow.models import Run, Step
from apps.workflow.selectors import boots
from tests.admin import rows
from tests.admin.acting import change

pytestmark = pytest.mark.django_db


def found(client: Client, text: str) -> str:
    return client.get("/admin/search/", {"s": text}).content.decode()


def test_the_search_on_top(operator: Client) -> None:
    rows.fill(2)
    server = Server.objects.get(name="n1")
    Run.objects.filter(subject_id=server.id).update(request_id="req-4711-1")
    for text in ("n1", str(server.id), str(server.id)[:8], "10.1.0.1", "10.1.", "req-4711"):
        assert change(server) in found(operator, text), text
    text = found(operator, "n2")
    for title in ("Servers", "Hosts", "Projects", "Images"):
        assert title in text
    assert "/admin/workflow/run/" in found(operator, "req-4711-1")
    assert reverse("admin:compute_flavor_changelist") in found(operator, "flav")
    assert "Nothing matches “nowhere&lt;b&gt;”" in found(operator, "nowhere<b>")
    assert found(operator, " ") == ""


@pytest.mark.parametrize("text", ["10.2.", "10.2.0", "n2"])
def test_lists_find_by_the_beginning_of_an_address(operator: Client, text: str) -> None:
    rows.fill(2)
    for page, key in (("compute_server", Server.objects.get(name="n2").pk), ("networking_port", "fa:16:3e:00:00:02")):
        answer = operator.get(reverse(f"admin:{page}_changelist"), {"q": text}).content.decode()
        assert str(key)[:8] in answer, page


def test_the_audit_trail_finds_names(operator: Client) -> None:
    rows.fill(2)
    address = reverse("admin:common_auditevent_changelist")
    text = operator.get(address, {"q": "n2"}).content.decode()
    assert change(Server.objects.get(name="n2")) in text and change(Server.objects.get(name="n1")) not in text


def test_empty_lists_have_words_of_their_own(operator: Client) -> None:
    text = operator.get(reverse("admin:compute_server_changelist")).content.decode()
    assert "Servers are created through the API" in text and "Create a new item" not in text
    text = operator.get(reverse("admin:compute_server_changelist"), {"q": "x9"}).content.decode()
    assert "Nothing matches “x9”" in text


def test_times_are_ages() -> None:
    now = timezone.now()
    for seconds, text in (
        (3, "3 s ago"),
        (200, "3 min ago"),
        (7300, "2 h ago"),
        (300000, "3 days ago"),
        (-90, "in 1 min"),
    ):
        assert cells.age(now - timedelta(seconds=seconds), now) == text
    assert "UTC" in cells.ago(now) and cells.ago(None) == ""


# --- what refreshes ---------------------------------------------------------------------------------


def test_a_page_refreshes_its_panels(operator: Client) -> None:
    rows.fill(1)
    server = Server.objects.get()
    Step.objects.filter(finished_at=None).update(finished_at=timezone.now())  # what runs changes with the clock
    Server.objects.update(task_state="spawning", vm_state="building")
    text = operator.get(change(server)).content.decode()
    address = reverse("admin:compute_server_live", args=[server.pk])
    assert f'data-live="{address}" data-every="2"' in text
    Server.objects.update(task_state="", vm_state="active")
    part = operator.get(address)
    assert 'data-every="15"' in part.content.decode() and "<html" not in part.content.decode()
    same = operator.get(address, headers={"If-None-Match": part["X-Live-ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    Server.objects.update(vm_state="stopped")
    assert operator.get(address, headers={"If-None-Match": part["X-Live-ETag"]}).status_code == 200


def test_a_list_refreshes_its_rows(operator: Client) -> None:
    rows.fill(2)
    Server.objects.filter(name="n1").update(task_state="spawning", vm_state="building")
    address = reverse("admin:compute_server_changelist")
    assert f'data-live="{address}?q=n1" data-every="2"' in operator.get(f"{address}?q=n1").content.decode()
    part = operator.get(f"{address}?q=n1", headers={"X-Live": "1"})
    text = part.content.decode()
    assert text.startswith('<div id="cel-live"') and "BUILD" in text and "<html" not in text
    same = operator.get(f"{address}?q=n1", headers={"X-Live": "1", "If-None-Match": part["X-Live-ETag"]})
    assert same.status_code in (200, 304)  # ages grow
    Server.objects.update(task_state="", vm_state="active")
    assert 'data-every="15"' in operator.get(f"{address}?q=n1", headers={"X-Live": "1"}).content.decode()


def test_the_overview_refreshes(operator: Client, member: Client) -> None:
    assert 'data-live="/admin/live/" data-every="15"' in operator.get("/admin/").content.decode()
    assert operator.get("/admin/live/")["X-Live-ETag"]
    assert "X-Live-ETag" not in member.get("/admin/live/", follow=True)


# --- causes -----------------------------------------------------------------------------------------


def failed_build(message: str) -> Run:
    """Return a build whose first attempt failed on a host, and whose second one found no other."""
    server, now = Server.objects.get(name="n1"), timezone.now()
    run = Run.objects.create(
        pipeline="server.build", action="create", subject_type="server", subject_id=server.id, request_id="r",
        state="failed", queue="scheduler", deadline_at=now, finished_at=now, error_cause="NoValidHost",
        error_message="No host is left.", explanation={"filters": []},
    )  # fmt: skip
    for name, text in (("spawn", message), ("schedule", "No host is left.")):
        Step.objects.create(
            run=run, name=name, queue="q", host="n1", enqueued_at=now, started_at=now, finished_at=now, result="error",
            error_message=text, error_details=f"details of {name}",
        )  # fmt: skip
    return run


def test_the_first_cause_is_shown(operator: Client) -> None:
    rows.fill(1)
    run = failed_build("The disk of 10 GiB is full.")
    text = operator.get(change(run)).content.decode()
    assert "First cause: spawn on n1: The disk of 10 GiB is full." in text
    assert "details of spawn" in text and "<details" in text.split("details of schedule")[0]
    listed = operator.get(reverse("admin:workflow_run_changelist"), {"failed_step": "spawn"}).content.decode()
    assert "spawn on n1: The disk of 10 GiB is full." in listed


def test_failures_are_grouped_by_cause(operator: Client) -> None:
    rows.fill(1)
    for size in (10, 20, 30):
        failed_build(f"The disk of {size} GiB is full.")
    groups = {(group.title, group.count) for group in boots.grouped_failures()}
    assert ("spawn failed", 3) in groups and ("NoValidHost", 2) in groups
    text = operator.get("/admin/").content.decode()
    assert "3 ×" in text and "failed_step=spawn" in text
