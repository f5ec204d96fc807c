"""Where security groups are stored and not enforced, people read so where they meet them first."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.networking.models import SecurityGroup
from deploy import first_server, up
from deploy.environment import Environment

SENTENCE = "Security groups are not enforced in this cloud: rules are stored, and all traffic reaches the servers."


@pytest.mark.parametrize(("hypervisor", "told"), [("simulated", True), ("libvirt", False)])
def test_make_up_says_so(tmp_path: Path, capsys: Any, hypervisor: str, told: bool) -> None:
    values = {"CELERITY_LISTEN": "127.0.0.1:1", "CELERITY_HYPERVISOR": hypervisor}
    environment = Environment(tmp_path, {**values, "CELERITY_PUBLIC_URL": "http://127.0.0.1:1"})
    server = first_server.FirstServer(
        "ACTIVE", "10.0.0.5", tmp_path / "key", console="", floating_ip="198.19.0.9", reachable=True
    )
    up.summarise(environment, server, 1.0)
    said = capsys.readouterr().out
    assert (SENTENCE in said) is told
    assert (f"ssh -i {tmp_path}/key root@198.19.0.9" in said) is not told


@pytest.mark.parametrize(("worker", "told"), [(False, True), (True, False)])
def test_the_page_of_a_group_says_so(operator: Client, settings: Any, worker: bool, told: bool) -> None:
    settings.NETWORK_WORKER = worker
    group = SecurityGroup.objects.create(project_id="p", name="web")
    page = operator.get(reverse("admin:networking_securitygroup_change", args=[group.pk])).content.decode()
    assert (SENTENCE in page) is told
