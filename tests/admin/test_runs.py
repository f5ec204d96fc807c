"""Runs on the pages: by the server's name, tried again when they failed, and counted on the start page."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.compute.models import Server
from apps.workflow import catalogue
from apps.workflow.models import Run
from tests.admin import rows
from tests.admin.acting import change, do, events

pytestmark = pytest.mark.django_db
LIST = "/admin/workflow/run/"
VOLUME: dict[str, Any] = {"name": "volume.create", "subject": "volume", "steps": ("create",), "creates": True}


def failed(server: Server, pipeline: str, **values: Any) -> Run:
    now = timezone.now()
    return Run.objects.create(
        pipeline=pipeline, action=values.pop("action", pipeline.partition(".")[2]), subject_type="server",
        subject_id=server.id,
        request_id="req-0123456789-abc", state="failed", queue="host.n1", deadline_at=now, finished_at=now,
        error_cause="Boom", **values,
    )  # fmt: skip


@pytest.fixture
def server() -> Server:
    rows.fill(1)
    Run.objects.all().delete()
    Server.objects.update(host="n1", vm_state="active")
    return Server.objects.get()


@pytest.mark.parametrize("pipeline", ["server.delete", "server.delete_moving"])
def test_a_failed_delete_is_tried_again(operator: Client, server: Server, pipeline: str) -> None:
    run = failed(server, pipeline, action="delete")
    assert "/do/again/" in operator.get(change(run)).content.decode()
    assert "Trying 'delete' of n1 again" in do(operator, run, "again")
    server.refresh_from_db()
    assert server.task_state == "deleting"
    assert Run.objects.get(state="queued").pipeline == "server.delete"
    assert events("server.delete") == [("operator", "success", str(server.id))]


@pytest.mark.parametrize(
    ("pipeline", "vm_state", "task", "event"),
    [("server.start", "stopped", "powering-on", "server.os-start"),
     ("server.stop", "active", "powering-off", "server.os-stop"),
     ("server.reboot", "active", "rebooting_hard", "server.reboot")],
)  # fmt: skip
def test_a_power_action_is_tried_again(
    operator: Client, server: Server, pipeline: str, vm_state: str, task: str, event: str
) -> None:
    Server.objects.update(vm_state=vm_state)
    do(operator, failed(server, pipeline, params={"hard": True}), "again")
    server.refresh_from_db()
    assert server.task_state.replace("reboot_started_hard", "rebooting_hard") == task
    assert events(event) == [("operator", "success", str(server.id))]


def test_what_the_state_forbids_is_a_sentence(operator: Client, server: Server) -> None:
    Server.objects.update(vm_state="stopped")
    assert "Cannot 'stop'" in do(operator, failed(server, "server.stop"), "again")
    assert events("server.os-stop")[0][1] == "failure"


def test_of_a_server_that_is_gone_nothing_is_offered(operator: Client, server: Server) -> None:
    run = failed(server, "server.delete")
    Server.objects.update(deleted_at=timezone.now())
    assert "/do/again/" not in operator.get(change(run)).content.decode()
    assert "could not be found" in do(operator, run, "again")
    assert "Only a failed action can be tried again" in do(operator, failed(server, "server.build"), "again")


def test_only_a_servers_build_is_built_again(operator: Client, server: Server) -> None:
    before = list(catalogue.everything())
    catalogue.fill([*(entry for entry in before if entry.name != VOLUME["name"]), catalogue.Entry(**VOLUME)])
    try:
        volume = failed(server, "volume.create")
        Run.objects.filter(id=volume.pk).update(subject_type="volume")
        assert "/do/retry/" not in operator.get(change(volume)).content.decode()
        assert "/do/retry/" in operator.get(change(failed(server, "server.build"))).content.decode()
    finally:
        catalogue.fill(before)


def test_runs_are_listed_and_found_by_the_servers_name(operator: Client, server: Server) -> None:
    Server.objects.update(name="db-main")
    run = failed(server, "server.stop")
    text = operator.get(f"{LIST}?q=db-ma").content.decode()
    assert (
        str(run.pk) in text and "db-main" in text and reverse("admin:compute_server_change", args=[server.pk]) in text
    )
    assert str(server.id)[:8] in text and f">{server.id}<" not in text
    assert str(run.pk) not in operator.get(f"{LIST}?q=db-other").content.decode()


def test_the_start_page_counts_all_failures_of_the_day_and_links_to_them(operator: Client, server: Server) -> None:
    for _ in range(11):
        failed(server, "server.build")
    failed(server, "server.stop")
    failed(server, "server.stop", created_at=timezone.now() - timedelta(hours=25))
    text = operator.get("/admin/").content.decode()
    assert "<strong>12</strong><span>failed runs in 24 hours" in text and "12 ×" in text and "<b>Boom</b>" in text
    link = f"{LIST}?state__exact=failed&amp;within=24h"
    assert link in text
    assert operator.get(link.replace("&amp;", "&")).context["cl"].result_count == 12


def test_rate_and_p95_are_of_one_window(operator: Client, server: Server) -> None:
    now = timezone.now()
    failed(server, "server.build", created_at=now - timedelta(minutes=30))
    Run.objects.update(state="succeeded", finished_at=now - timedelta(minutes=29))
    assert "<strong>0.0</strong><span>boots a minute, p95 –" in operator.get("/admin/").content.decode()
    Run.objects.update(created_at=now - timedelta(seconds=62), finished_at=now - timedelta(seconds=60))
    assert "<strong>0.2</strong><span>boots a minute, p95 2.00 s" in operator.get("/admin/").content.decode()


def test_a_text_filter_takes_a_beginning(operator: Client, server: Server) -> None:
    failed(server, "server.stop")
    found = {text: operator.get(f"{LIST}?pipeline={text}").context["cl"].result_count for text in
             ("server.stop", "server", "server*", "x*")}  # fmt: skip
    assert found == {"server.stop": 1, "server": 0, "server*": 1, "x*": 0}


def test_hosts_that_are_ruled_out_are_not_told_as_full(operator: Client, server: Server) -> None:
    table = [{"filter": "failed_before", "in": 5, "out": 3}, {"filter": "fits", "in": 3, "out": 2}]
    text = operator.get(change(failed(server, "server.build", explanation={"filters": table}))).content.decode()
    assert "<td>neither left nor tried before in this run</td><td>5</td>" in text
    assert "<td>up, enabled and with enough room</td><td>3</td>" in text
