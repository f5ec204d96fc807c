"""A finding leads to the server that it is about, and the server's page shows what is open about it."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.compute.models import Server
from apps.workflow.models import Finding
from tests.admin import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Server:
    rows.fill(1)
    found = Server.objects.first()
    assert found is not None
    return found


def page(client: Client, name: str, key: object) -> str:
    return client.get(reverse(f"admin:{name}_change", args=[str(key)])).content.decode()


def test_both_ways(operator: Client, server: Server) -> None:
    about = {"kind": "files", "subject": str(server.id), "host": "n1", "found": "none of its files are on the host"}
    finding = Finding.objects.create(**about)
    shown = page(operator, "compute_server", server.pk)
    assert "Open findings" in shown and "none of its files are on the host" in shown and "none possible" in shown
    assert reverse("admin:compute_server_change", args=[str(server.pk)]) in page(
        operator, "workflow_finding", finding.pk
    )
    Finding.objects.update(resolved_at=timezone.now())
    assert "Open findings" not in page(operator, "compute_server", server.pk)


def test_a_finding_about_something_else(operator: Client, server: Server) -> None:
    for subject in ("residue of a tap", "0" * 32):
        finding = Finding.objects.create(kind="residue", subject=subject, found="it is there")
        assert "celerity why" not in page(operator, "workflow_finding", finding.pk)
