"""What the API tells hosts' metadata processes: signed questions alone, and of ports bound to the asking host."""

import base64
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.compute.models import BlockDevice, Server
from apps.metadata import signatures, tree
from apps.networking.models import FloatingIP, Network, Port, Router, Subnet
from apps.networking.services import bindings
from apps.networking.values import PortFacts, RequestedNetwork
from tests.api.compute.conftest import ComputeCaller

DOCUMENTS, PASSWORDS = "/metadata/v1/documents", "/metadata/v1/passwords"


@pytest.fixture
def network(alice: ComputeCaller) -> Network:
    made = Network.objects.create(project_id=alice.project_id, name="n")
    pools = [{"start": "10.9.0.10", "end": "10.9.0.200"}]
    Subnet.objects.create(network=made, project_id=alice.project_id, cidr="10.9.0.0/24", gateway_ip="10.9.0.1",
                          allocation_pools=pools)  # fmt: skip
    return made


@pytest.fixture
def plug(network: Network) -> Callable[..., PortFacts]:
    """Give a server a port on a host."""

    def plug(server: Server, host: str = "h1") -> PortFacts:
        requests = [RequestedNetwork(network_id=network.id)]
        (port,) = bindings.allocate_for_server(
            server_id=server.id, project_id=server.project_id, host=host, requests=requests
        )
        return port

    return plug


def ask(path: str, document: Any, secret: str = "") -> Any:
    from django.conf import settings

    body = json.dumps(document).encode()
    signature = signatures.sign(secret or settings.SECRET_KEY, path=path, body=body, now=int(time.time()))
    return Client().post(path, body, "application/json", headers={signatures.HEADER: signature})


def answers(host: str, *askers: tuple[Any, Any]) -> list[Any]:
    document = {"host": host, "askers": [{"port": str(port), "server": str(server)} for port, server in askers]}
    answer = ask(DOCUMENTS, document)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["answers"])


def test_all_documents_of_a_server(
    alice: ComputeCaller, make_server: Callable[..., Server], plug: Callable[..., PortFacts],
    django_assert_num_queries: Any,
) -> None:  # fmt: skip
    """Two servers in one question; the number of statements does not grow with them."""
    user_data = base64.b64encode(b"#!/bin/sh\n").decode()
    one = make_server(alice, name="Web", user_data=user_data, key_name="mine", public_key="ssh-ed25519 AAAA",
                      metadata={"role": "web"}, admin_password="sealed")  # fmt: skip
    two = make_server(alice, name="Db")
    ports = plug(one), plug(two)
    BlockDevice.objects.create(server=one, kind="swap", position=1, device="vdb")
    with django_assert_num_queries(5):
        first, second = answers("h1", (ports[0].id, one.id), (ports[1].id, two.id))
    assert (first["meta_data"]["name"], second["meta_data"]["name"]) == ("Web", "Db")
    assert first["meta_data"]["meta"] == {"role": "web"}
    assert "admin_pass" not in first["meta_data"]
    assert tree.find(first, "/latest/user-data").content == b"#!/bin/sh\n"
    assert tree.find(first, "/latest/meta-data/local-ipv4").content.decode() == ports[0].fixed_ips[0][1]
    assert tree.find(first, "/latest/meta-data/security-groups").content == b"default"
    assert tree.find(first, "/latest/meta-data/block-device-mapping/swap").content == b"/dev/vdb"
    (described,) = second["network_data"]["networks"]
    assert (described["type"], described["link"]) == ("ipv4_dhcp", ports[1].tap)


def test_the_floating_ip_is_the_public_address(
    server: Server, plug: Callable[..., PortFacts], network: Network
) -> None:
    port = plug(server)
    FloatingIP.objects.create(
        project_id=server.project_id, floating_network=network, floating_ip_address="198.19.0.7",
        floating_port=Port.objects.create(network=network, mac_address="fa:16:3e:ff:ff:ff"),
        fixed_port_id=port.id, fixed_ip_address=port.fixed_ips[0][1], router=Router.objects.create(name="r"),
    )  # fmt: skip
    (bundle,) = answers("h1", (port.id, server.id))
    assert tree.find(bundle, "/latest/meta-data/public-ipv4").content == b"198.19.0.7"


def test_who_is_not_known(
    alice: ComputeCaller, bob: ComputeCaller, make_server: Callable[..., Server], plug: Callable[..., PortFacts]
) -> None:
    """Another host's port, another server's, one that was released, a deleted server."""
    mine, theirs, deleted = make_server(alice), make_server(bob), make_server(alice)
    ports = plug(mine), plug(theirs), plug(deleted)
    assert answers("h2", (ports[0].id, mine.id)) == [None]
    assert answers("h1", (ports[0].id, theirs.id), (ports[1].id, mine.id)) == [None, None]
    assert answers("h1", (uuid.uuid4(), mine.id), (ports[0].id, uuid.uuid4())) == [None, None]
    Server.objects.filter(id=deleted.id).update(deleted_at=deleted.created_at)
    known, gone = answers("h1", (ports[0].id, mine.id), (ports[2].id, deleted.id))
    assert (known["meta_data"]["uuid"], gone) == (str(mine.id), None)
    bindings.release_for_server(server_id=mine.id)
    assert answers("h1", (ports[0].id, mine.id)) == [None]


@pytest.mark.parametrize("path", [DOCUMENTS, PASSWORDS])
def test_questions_that_are_not_signed(db: None, path: str) -> None:
    document = {"host": "h1", "askers": [], "asker": {}}
    assert ask(path, document, secret="another").status_code == 401
    unsigned = Client().post(path, json.dumps(document), "application/json")
    assert (unsigned.status_code, unsigned.json()) == (401, {"error": "unsigned"})
    assert Client().get(path).status_code == 405


@pytest.mark.parametrize("document", [[], {}, {"host": "h"}, {"host": "h", "askers": [{"port": "x", "server": "y"}]}])
def test_malformed_questions(db: None, document: Any) -> None:
    assert ask(DOCUMENTS, document).status_code == 400


def test_a_guests_password(alice: ComputeCaller, server: Server, plug: Callable[..., PortFacts]) -> None:
    """Posted once; shown and cleared by its owner; then the guest may post another."""
    port = plug(server)
    path = f"/servers/{server.id}/os-server-password"
    asker = {"port": str(port.id), "server": str(server.id)}
    assert alice.get(path).json() == {"password": ""}

    def post(password: str, host: str = "h1") -> int:
        return int(ask(PASSWORDS, {"host": host, "asker": asker, "password": password}).status_code)

    assert post("c2VjcmV0", host="h2") == 404
    assert post("x" * 1021) == post("") == post("a\0b") == 400
    assert post("c2VjcmV0") == 204
    assert post("b3RoZXI=") == 409
    assert alice.get(path).json() == {"password": "c2VjcmV0"}
    (bundle,) = answers("h1", (port.id, server.id))
    assert bundle["password"] == "c2VjcmV0"
    for _ in range(2):
        assert alice.delete(path).status_code == 204
    assert alice.get(path).json() == {"password": ""}
    assert post("b3RoZXI=") == 204
