"""Every entry point to security groups says that they are stored and not enforced."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.networking.models import SecurityGroup
from deploy import first_server, up
from deploy.environment import Environment

ROOT = Path(__file__).parents[2]
SENTENCE = "Security groups are not enforced yet"


@pytest.mark.parametrize("document", ["README.md", "docs/admin-pages.md"])
def test_documents_say_so(document: str) -> None:
    text = (ROOT / document).read_text()
    assert f"**{SENTENCE}.**" in text and "all traffic reaches the servers" in text


def test_make_up_says_so(tmp_path: Path, capsys: Any) -> None:
    values = {"CELERITY_LISTEN": "127.0.0.1:1", "CELERITY_HYPERVISOR": "simulated"}
    environment = Environment(tmp_path, {**values, "CELERITY_PUBLIC_URL": "http://127.0.0.1:1"})
    server = first_server.FirstServer(status="ACTIVE", address="10.0.0.5", key=tmp_path / "key", console="")
    up.summarise(environment, server, 1.0)
    assert f"{SENTENCE}: their rules are stored, and all traffic reaches the servers." in capsys.readouterr().out


def test_the_page_of_a_group_says_so(operator: Client) -> None:
    group = SecurityGroup.objects.create(project_id="p", name="web")
    page = operator.get(reverse("admin:networking_securitygroup_change", args=[group.pk])).content.decode()
    assert f"{SENTENCE}: these rules are stored, and all traffic reaches the servers." in page
