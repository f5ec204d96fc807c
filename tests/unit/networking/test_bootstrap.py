"""The first networks."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live

from apps.networking.models import Network, Subnet
from apps.networking.services import bootstrap


@pytest.mark.django_db
def test_the_fixture_loads_and_may_be_loaded_again() -> None:
    assert bootstrap.load(project_id="a" * 32) == bootstrap.load(project_id="a" * 32)
    assert Network.objects.get(external=False).shared
    wanted = json.loads((Path(live.BASE_DIR) / "fixtures" / "networks.json").read_text())[0]
    assert Subnet.objects.get(network__external=False).cidr == wanted["cidr"]


@pytest.mark.django_db
def test_name_servers_come_from_the_settings(settings: Any) -> None:
    settings.DNS_NAMESERVERS = ["9.9.9.9"]
    bootstrap.ensure_shared_network(project_id="a" * 32, name="x", cidr="10.3.0.0/16")
    assert Subnet.objects.get().dns_nameservers == ["9.9.9.9"]
