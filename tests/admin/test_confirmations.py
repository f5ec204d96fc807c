"""Questions before actions: verb and object on both buttons, the name typed before the worst, input kept."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.compute.models import Server
from apps.identity.models import Project
from apps.networking.models import Network
from apps.quotas.models import Usage
from apps.scheduling.models import Host
from apps.workflow.models import Run
from tests.admin import rows
from tests.admin.acting import add

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Server:
    rows.fill(1)
    Server.objects.update(vm_state="active")
    return Server.objects.get(name="n1")


def ask(client: Client, row: Any, name: str) -> str:
    label = f"admin:{row._meta.app_label}_{row._meta.model_name}_operation"
    return client.get(reverse(label, args=[row.pk, name])).content.decode()


@pytest.mark.parametrize(
    ("pipeline", "action", "task_state", "labels"),
    [
        ("server.build", "create", "scheduling", ("Cancel the build", "Keep building")),
        ("server.build", "retry", "spawning", ("Cancel the build", "Keep building")),
        ("server.stop", "stop", "powering-off", ("Cancel the stop", "Let the stop go on")),
        ("server.start", "start", "powering-on", ("Cancel the start", "Let the start go on")),
        ("server.migrate", "migrate", "resize_migrating", ("Cancel the migration", "Let the migration go on")),
        ("volume.attach", "attach", "spawning", ("Cancel the attach", "Let the attach go on")),
        ("", "", "spawning", ("Cancel the action", "Let the action go on")),
    ],
)
def test_cancelling_names_the_run(
    operator: Client, server: Server, pipeline: str, action: str, task_state: str, labels: tuple[str, str]
) -> None:
    Server.objects.update(task_state=task_state)
    run = begun(server, pipeline, action) if pipeline else None
    for row in (server, run):
        text = ask(operator, row, "cancel") if row is not None else ""
        assert row is None or (f">{labels[0]}</button>" in text and f">{labels[1]}</a>" in text)


def begun(server: Server, pipeline: str, action: str) -> Run:
    return Run.objects.create(
        pipeline=pipeline, action=action, subject_type="server", subject_id=server.id, request_id="r",
        next_step="schedule", queue="scheduler", deadline_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip


def test_the_buttons_name_the_object(operator: Client, server: Server) -> None:
    text = ask(operator, server, "delete")
    assert ">Delete n1</button>" in text and ">Keep n1</a>" in text and "cel-do-red" in text
    assert "cel-do-amber" in ask(operator, server, "stop") and ">Stop n1</button>" in ask(operator, server, "stop")
    assert "cel-do-neutral" in ask(operator, Host.objects.get(), "disable")


def test_the_name_is_typed_before_the_worst(operator: Client, server: Server) -> None:
    address = reverse("admin:compute_server_operation", args=[server.pk, "delete"])
    for typed in ("", "n2", "N1"):
        answer = operator.post(address, {"typed_name": typed})
        assert answer.status_code == 200 and answer.context["form"].errors
    server.refresh_from_db()
    assert server.task_state == ""
    assert operator.post(address, {"typed_name": "n1"}).status_code == 302
    server.refresh_from_db()
    assert server.task_state == "deleting"


def test_a_refused_question_keeps_its_input(operator: Client) -> None:
    rows.fill(1)
    demo = Project.objects.get(name="demo")
    Usage.objects.create(owner_id=demo.pk, resource="cores", in_use=9)
    address = reverse("admin:identity_project_operation", args=[demo.pk, "quotas"])
    answer = operator.post(address, {"cores": "4", "instances": "77"})
    text = answer.content.decode()
    assert answer.status_code == 200 and 'value="77"' in text and "already used" in text


def test_a_refused_form_keeps_its_input_and_marks_the_field(operator: Client) -> None:
    rows.fill(1)
    project = Project.objects.get(name="demo")
    answer = operator.post(add(Network), {"name": "lan", "mtu": "5", "project_id": project.pk})
    form = answer.context["adminform"].form
    assert answer.status_code == 200 and form["name"].value() == "lan" and "576" in str(form.errors["mtu"])


# --- many at once -----------------------------------------------------------------------------------


def select(client: Client, action: str, *servers: Server, **more: str) -> Any:
    values = {"action": action, "_selected_action": [str(one.pk) for one in servers], **more}
    return client.post(reverse("admin:compute_server_changelist"), values, follow=True)


def test_many_servers_are_stopped(operator: Client) -> None:
    rows.fill(3)
    Server.objects.update(vm_state="active")
    Server.objects.filter(name="n3").update(vm_state="stopped")
    servers = list(Server.objects.order_by("name"))
    asked = select(operator, "stop_many", *servers).content.decode()
    assert "Stop 3 servers" in asked and not Server.objects.exclude(task_state="").exists()
    told = select(operator, "stop_many", *servers, confirmed="1").content.decode()
    assert "Stop: 2 accepted." in told and "1 refused" in told and "n3" in told
    assert set(Server.objects.filter(task_state="powering-off").values_list("name", flat=True)) == {"n1", "n2"}


def test_many_servers_are_deleted_after_their_number_is_typed(operator: Client) -> None:
    rows.fill(2)
    servers = list(Server.objects.all())
    select(operator, "delete_many", *servers, confirmed="1", typed_name="3")
    assert not Server.objects.filter(task_state="deleting").exists()
    assert (
        "Delete: 2 accepted."
        in select(operator, "delete_many", *servers, confirmed="1", typed_name="2").content.decode()
    )
    assert Server.objects.filter(task_state="deleting").count() == 2


def test_who_only_views_stops_nothing(viewer: Client) -> None:
    rows.fill(1)
    Server.objects.update(vm_state="active")
    answer = select(viewer, "stop_many", Server.objects.get(), confirmed="1")
    assert answer.status_code == 403 and not Run.objects.filter(pipeline="server.stop").exists()


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("resize", {"flavorRef": "n1"}, {"flavorRef": "none"}),
        ("change-password", {"adminPass": "a secret"}, {"adminPass": "two\nlines"}),
        ("create-backup", {"name": "b", "backup_type": "daily", "rotation": "2"}, {"name": "b", "rotation": "-1"}),
        ("migrate", {"host": ""}, {"host": "no such"}),
    ],
)
def test_an_action_asks_for_its_values(
    operator: Client, server: Server, name: str, good: dict[str, str], bad: dict[str, str]
) -> None:
    """What the API refuses is refused here, and nothing is begun."""
    for field in good:
        assert f'name="{field}"' in ask(operator, server, name)
    path = reverse("admin:compute_server_operation", args=[server.pk, name])
    operator.post(path, bad)
    server.refresh_from_db()
    assert server.task_state == "" and not Run.objects.filter(subject_id=server.id, action=name).exists()
