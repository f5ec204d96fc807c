"""Operators' pages check the rules of the services that they call, as the APIs do: services ask nobody."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.test import Client

from apps.common import policy
from apps.common.context import RequestContext
from apps.identity.models import Project
from apps.images.models import Image
from apps.networking.models import Network, Subnet
from tests.admin.acting import add, change, do, refused

pytestmark = pytest.mark.django_db
Act = Callable[[Client], str]


def _network() -> Network:
    return Network.objects.get_or_create(name="lan", project_id=Project.objects.get(name="demo").pk)[0]


def _subnet() -> Subnet:
    network = _network()
    values = {"cidr": "10.9.0.0/24", "ip_version": 4, "allocation_pools": [{"start": "10.9.0.2", "end": "10.9.0.254"}]}
    return Subnet.objects.get_or_create(network=network, project_id=network.project_id, defaults=values)[0]


def _image(status: str = "active") -> Image:
    bits = {"size": 10, "disk_format": "raw", "container_format": "bare", "os_hash_algo": "sha512"}
    values = {**bits, "os_hash_value": "0" * 128, "status": status}
    return Image.objects.create(name="i", project_id=Project.objects.get(name="demo").pk, **values)


def _new_network(client: Client) -> str:
    return refused(client, add(Network), name="x", project_id=Project.objects.get(name="demo").pk)


def _new_subnet(client: Client) -> str:
    return refused(client, add(Subnet), network_id=str(_network().id), cidr="10.8.0.0/24")


ACTS: dict[str, Act] = {
    "create_network": _new_network,
    "update_network": lambda client: refused(client, change(_network()), name="other"),
    "update_network:shared": lambda client: refused(client, change(_network()), shared="on"),
    "delete_network": lambda client: do(client, _network(), "delete"),
    "create_subnet": _new_subnet,
    "update_subnet": lambda client: refused(client, change(_subnet()), name="other"),
    "delete_subnet": lambda client: do(client, _subnet(), "delete"),
    "modify_image": lambda client: refused(client, change(_image()), name="other"),
    "publicize_image": lambda client: refused(client, change(_image()), visibility="public"),
    "deactivate": lambda client: do(client, _image(), "deactivate"),
    "reactivate": lambda client: do(client, _image("deactivated"), "reactivate"),
    "delete_image": lambda client: do(client, _image(), "delete"),
}


@pytest.mark.parametrize("rule", ACTS)
def test_a_rule_that_an_operator_closed_is_closed_on_the_pages(
    operator: Client, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = policy.allowed

    def closed(context: RequestContext, name: str, target: Mapping[str, Any] | None = None) -> bool:
        return name != rule and allowed(context, name, target)

    monkeypatch.setattr(policy, "allowed", closed)
    assert rule in ACTS[rule](operator)
