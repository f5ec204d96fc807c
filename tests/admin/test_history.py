"""The history of an object excludes other objects of the same name."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.common.models import AuditEvent
from apps.compute.models import Flavor, Server
from apps.quotas.models import Limit
from apps.scheduling.models import Host
from apps.workflow.models import Run
from tests.admin import rows
from tests.admin.acting import do

pytestmark = pytest.mark.django_db


def history(client: Client, row: object) -> list[AuditEvent]:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_history"  # type: ignore[attr-defined]
    answer = client.get(reverse(name, args=[row.pk]), follow=True)  # type: ignore[attr-defined]
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def test_of_a_host(operator: Client) -> None:
    rows.fill(2)
    host = Host.objects.get(name="n1")
    do(operator, host, "disable", reason="fans")
    AuditEvent.objects.create(action="service.update", target_type="host", target_id="n11")
    assert [(one.action, one.target_id) for one in history(operator, host)] == [("service.update", "n1")]


def test_of_a_row_with_a_number(operator: Client) -> None:
    flavor = Flavor.objects.create(flavor_id="1", name="one", vcpus=1, ram_mib=1)
    for kind, key in (("flavor", str(flavor.pk)), ("aggregate", str(flavor.pk)), ("flavor", f"{flavor.pk}1")):
        AuditEvent.objects.create(action=f"{kind}.update", target_type=kind, target_id=key)
    assert [one.action for one in history(operator, flavor)] == ["flavor.update"]


def test_of_a_run_and_of_a_limit(operator: Client) -> None:
    """These changes are in the history of the server and of the project."""
    rows.fill(1)
    server, limit = Server.objects.get(), Limit.objects.get()
    AuditEvent.objects.create(action="update", target_type="quota", target_id=limit.owner_id)
    assert [one.action for one in history(operator, Run.objects.filter(subject_id=server.id)[0])] == ["server.create"]
    assert [one.action for one in history(operator, limit)] == ["update"]


def test_the_panel_of_a_server_is_of_servers_alone(operator: Client) -> None:
    rows.fill(1)
    server = Server.objects.get()
    AuditEvent.objects.create(action="volume.create", target_type="volume", target_id=str(server.id))
    text = operator.get(reverse("admin:compute_server_change", args=[server.pk])).content.decode()
    assert "server.create" in text and "volume.create" not in text
