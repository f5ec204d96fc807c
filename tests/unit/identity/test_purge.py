"""A project that owns something stays; ``project_purge`` empties it."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.identity.models import Project
from apps.identity.services import project_resources
from apps.images.models import Image
from apps.networking.models import Network, Port, QosPolicy, SecurityGroup
from apps.networking.services import networks, ports, qos_policies, security_groups
from tests.unit.identity.dialogue import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def busy(as_admin: Api) -> Project:
    made = as_admin.call("post", "/v3/projects", {"project": {"name": "busy"}}).json()["project"]
    context = project_resources.caller_for(made["id"])
    policy = qos_policies.create(context=context, values={"name": "q"})
    network = networks.create(context=context, values={"name": "n", "qos_policy_id": policy.id})
    ports.create(context=context, network=network, values={"network_id": network.id})
    security_groups.create(context=context, values={"name": "g"})
    Image.objects.create(project_id=made["id"], name="i", protected=True)
    return Project.objects.get(pk=made["id"])


def test_it_is_refused_with_a_count(as_admin: Api, busy: Project) -> None:
    answer = as_admin.call("delete", f"/v3/projects/{busy.pk}")
    assert answer.status_code == 409
    message = answer.json()["error"]["message"]
    assert all(part in message for part in ("1 network", "1 port", "1 image", "1 security group", "1 QoS policy"))
    domain = as_admin.call("post", "/v3/domains", {"domain": {"name": "d"}}).json()["domain"]
    Project.objects.filter(pk=busy.pk).update(domain_id=domain["id"], parent_id=domain["id"])
    as_admin.call("patch", f"/v3/domains/{domain['id']}", {"domain": {"enabled": False}})
    assert as_admin.call("delete", f"/v3/domains/{domain['id']}").status_code == 409


def test_purge(busy: Project, capsys: Any) -> None:
    call_command("project_purge", "busy", "--dry-run")
    assert "1 networks" in capsys.readouterr().out
    assert Network.objects.filter(project_id=busy.pk).exists()
    call_command("project_purge", busy.pk)
    for model in (Network, Port, QosPolicy, SecurityGroup):
        assert not model.objects.filter(project_id=busy.pk).exists()
    assert not Image.objects.filter(project_id=busy.pk, deleted_at=None).exists()
    assert not Project.objects.filter(pk=busy.pk).exists()
    with pytest.raises(CommandError):
        call_command("project_purge", "busy")


def test_what_came_by_itself_goes_by_itself(as_admin: Api, cloud: None) -> None:
    made = as_admin.call("post", "/v3/projects", {"project": {"name": "p"}}).json()["project"]
    security_groups.ensure_default(project_id=made["id"])
    assert as_admin.call("delete", f"/v3/projects/{made['id']}").status_code == 204
    assert not SecurityGroup.objects.filter(project_id=made["id"]).exists()


def test_a_dry_run_of_an_empty_project_says_so(cloud: None, capsys: Any) -> None:
    Project.objects.create(name="empty", domain_id="default", parent_id="default")
    call_command("project_purge", "empty", "--dry-run")
    said = capsys.readouterr().out
    assert "Project empty owns nothing." in said and "Nothing was deleted." in said
    assert Project.objects.filter(name="empty").exists()
