"""Every page of the admin opens, shows rows, and costs the same for many rows as for few."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.compute.models import BlockDevice, Flavor, FlavorAccess, KeyPair, Server
from apps.identity.models import Domain, User
from apps.quotas.models import Limit, Reservation, Usage
from apps.scheduling.models import Allocation, Host, Inventory
from apps.workflow.models import Run, Step

pytestmark = pytest.mark.django_db

MODELS = [
    *(Server, BlockDevice, Flavor, FlavorAccess, KeyPair),
    *(Host, Inventory, Allocation),
    *(Limit, Usage, Reservation),
    *(Run, Step),
]


@pytest.fixture
def operator(settings: Any) -> Client:
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    domain, _ = Domain.objects.get_or_create(id="default", defaults={"name": "Default"})
    user = User.objects.create(domain=domain, name="operator", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user, backend="apps.identity.backends.DomainUserBackend")
    return client


def fill(number: int) -> None:
    """Write one row of every kind."""
    now, text = timezone.now(), f"n{number}"
    shape = {"id": "1", "original_name": "f", "vcpus": 1, "ram": 1, "disk": 1, "ephemeral": 0, "swap": 0}
    server = Server.objects.create(
        project_id="p", user_id="u", name=text, hostname=text, flavor=shape, reservation_id="r", user_data="c2VjcmV0"
    )
    BlockDevice.objects.create(server=server, kind="root")
    flavor = Flavor.objects.create(flavor_id=text, name=text, vcpus=1, ram_mib=1, is_public=False)
    FlavorAccess.objects.create(flavor=flavor, project_id="p")
    KeyPair.objects.create(user_id="u", name=text, public_key="x", fingerprint="f")
    host = Host.objects.create(name=text, number=number, hypervisor_type="QEMU")
    Inventory.objects.create(host=host, vcpus=1, ram_mib=1, disk_gib=1)
    Allocation.objects.create(consumer_id=server.id, host=host, vcpus=1, ram_mib=1, disk_gib=1)
    Limit.objects.create(owner_id=text, resource="cores", value=1)
    Usage.objects.create(owner_id=text, resource="cores")
    Reservation.objects.create(
        owner_id=text, resource="cores", delta=1, consumer_id=uuid.uuid4(), created_at=now, expires_at=now
    )
    run = Run.objects.create(
        pipeline="server.build", action="create", subject_type="server", subject_id=server.id, request_id="r",
        queue="q", deadline_at=now + timedelta(hours=1),
    )  # fmt: skip
    Step.objects.create(run=run, name="spawn", queue="q", enqueued_at=now, started_at=now, finished_at=now)


def url(model: Any, key: object = None) -> str:
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    return base if key is None else f"{base}{key}/change/"


def test_every_model_is_registered() -> None:
    assert all(model in admin.site._registry for model in MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_pages(operator: Client, model: Any) -> None:
    fill(1)
    operator.get(url(model))
    with CaptureQueriesContext(
        connection,
    ) as few:
        assert operator.get(url(model)).status_code == 200
    for number in range(2, 12):
        fill(number)
    with CaptureQueriesContext(connection) as many:
        page = operator.get(url(model))
    assert "11" in page.content.decode()
    assert len(many) <= len(few) + 1
    one = operator.get(url(model, model.objects.first().pk))
    assert one.status_code == 200 and "c2VjcmV0" not in one.content.decode()
    assert operator.get(f"{url(model)}?q=n1").status_code == 200


def test_what_services_own_cannot_be_written(operator: Client) -> None:
    fill(1)
    for model in (Server, Usage, Reservation, Run, Step, Allocation, Inventory, Flavor, KeyPair):
        row = model.objects.first()
        assert operator.post(url(model, row.pk), {}).status_code == 403
        assert operator.get(f"{url(model)}add/").status_code == 403


def test_an_operator_takes_a_host_out_of_service(operator: Client) -> None:
    fill(1)
    host = Host.objects.get()
    form = {
        "zone": "nova", "enabled": "", "disabled_reason": "repair", "inventory-TOTAL_FORMS": "0",
        "inventory-INITIAL_FORMS": "0", "inventory-MIN_NUM_FORMS": "0", "inventory-MAX_NUM_FORMS": "0",
    }  # fmt: skip
    assert operator.post(url(Host, host.pk), form).status_code == 302
    host.refresh_from_db()
    assert not host.enabled and host.disabled_reason == "repair"


def test_deleted_servers_are_shown_when_asked_for(operator: Client) -> None:
    fill(1)
    Server.objects.update(deleted_at=timezone.now(), name="long-gone")
    assert "long-gone" not in operator.get(url(Server)).content.decode()
    assert "long-gone" in operator.get(f"{url(Server)}?deleted=yes").content.decode()
