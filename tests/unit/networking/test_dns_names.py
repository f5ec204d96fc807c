"""DNS names and domains over HTTP, and as the network engine gets them."""

import uuid
from typing import Any

import pytest

from apps.networking import exceptions
from apps.networking.models import Network
from apps.networking.selectors import programmed
from apps.networking.services import bindings, requested_networks
from apps.networking.values import InterfacePermissions, RequestedNetwork
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal
from tests.unit.networking.test_floating_ips import ask, float_, move, public, router  # noqa: F401 (fixtures)
from workers.mapping import engine


def names(port: Any) -> list[tuple[str, str]]:
    return [(item["hostname"], item["fqdn"]) for item in port["dns_assignment"]]


def test_names_of_ports(alice: Caller, network: Network) -> None:
    port = make(alice, "port", network_id=str(network.id), fixed_ips=[{"ip_address": "10.9.0.7"}])
    path = f"/ports/{port['id']}"
    assert (port["dns_name"], port["dns_domain"]) == ("", "")
    assert names(port) == [("host-10-9-0-7", "host-10-9-0-7.openstacklocal.")]
    for values, wanted in (
        ({"dns_name": "Web"}, ("web", "web.openstacklocal.")),
        ({"dns_name": "db.openstacklocal."}, ("db", "db.openstacklocal.")),
        ({"dns_domain": "shop.test."}, ("db", "db.shop.test.")),
        ({"dns_domain": ""}, ("db", "db.openstacklocal.")),
    ):
        changed = alice.put(path, {"port": values}).json()["port"]
        assert names(changed) == [wanted], values
    assert alice.put(f"/networks/{network.id}", {"network": {"dns_domain": "Net.test."}}).json()["network"][
        "dns_domain"
    ] == "net.test."  # fmt: skip
    assert names(alice.get(path).json()["port"]) == [("db", "db.net.test.")]


@pytest.mark.parametrize(
    ("noun", "values", "text"),
    [
        ("port", {"dns_name": "-a"}, "not a valid PQDN or FQDN"),
        ("port", {"dns_name": "a..b"}, "not a valid PQDN or FQDN"),
        ("port", {"dns_name": 'a"b'}, "not a valid PQDN or FQDN"),
        ("port", {"dns_name": "a b"}, "not a valid PQDN or FQDN"),
        ("port", {"dns_name": "a\n"}, "not a valid PQDN or FQDN"),
        ("port", {"dns_name": "a" * 64}, "not a valid PQDN or FQDN"),
        ("port", {"dns_name": "a.5"}, "must not be all numeric"),
        ("port", {"dns_name": "a.elsewhere."}, "must be equal to the dns_domain option"),
        ("port", {"dns_name": "openstacklocal."}, "must be equal to the dns_domain option"),
        ("port", {"dns_name": ".".join(["a" * 60] * 4)}, "exceeds the maximum size"),
        ("port", {"dns_domain": "shop.test"}, "is not a FQDN"),
        ("network", {"dns_domain": "shop"}, "is not a FQDN"),
        ("network", {"dns_domain": "."}, "not a valid PQDN or FQDN"),
        ("network", {"dns_domain": f"{'.'.join(['a' * 60] * 4)}."}, "exceeds the maximum length"),
    ],
)
def test_refused_names(alice: Caller, network: Network, noun: str, values: Any, text: str) -> None:
    body = values if noun == "network" else {"network_id": str(network.id), **values}
    answer = refusal(alice.post(f"/{noun}s", {noun: body}))
    assert (answer[0], text in answer[2]) == (400, True), answer


def test_names_of_floating_ips(alice: Caller, public: Network) -> None:  # noqa: F811
    made = float_(alice, public, dns_name="WWW", dns_domain="shop.test.")
    assert (made["dns_name"], made["dns_domain"]) == ("www", "shop.test.")
    assert refusal(move(alice, made, dns_name="other"))[0] == 400
    assert alice.get(f"/floatingips/{made['id']}").json()["floatingip"]["dns_name"] == "www"
    for values, text in (({"dns_name": "a."}, "should be a relative"), ({"dns_domain": "a"}, "is not a FQDN")):
        answer = refusal(ask(alice, public, **values))
        assert (answer[0], text in answer[2]) == (400, True), answer


def test_names_of_servers_are_programmed(alice: Caller, network: Network) -> None:
    (made,) = bindings.allocate_for_server(
        server_id=uuid.uuid4(), project_id=alice.project_id, host="h", hostname="Vm",
        requests=[RequestedNetwork(network_id=network.id)],
    )  # fmt: skip
    shown = alice.get(f"/ports/{made.id}").json()["port"]
    assert (shown["dns_name"], names(shown)) == ("vm", [("vm", "vm.openstacklocal.")])

    def spec() -> tuple[str, str, str, str]:
        everything = programmed.everything()
        domain = engine.network_spec(everything.networks[network.id]).domain
        port = engine.port_spec(everything.ports[0])
        return domain, port.hostname, port.dns_name, port.dns_domain

    assert spec() == ("openstacklocal", "Vm", "", "")
    alice.put(f"/ports/{made.id}", {"port": {"dns_name": "www", "dns_domain": "shop.test."}})
    alice.put(f"/networks/{network.id}", {"network": {"dns_domain": "net.test."}})
    assert spec() == ("net.test", "Vm", "www", "shop.test")
    # A project whom the network is shared with names its own ports, and nothing of the world.
    alice.put(f"/ports/{made.id}", {"port": {"dns_name": "deb.debian.org"}})
    Network.objects.filter(id=network.id).update(project_id=uuid.uuid4().hex)
    assert spec() == ("net.test", "Vm", "deb", "")


def test_a_ports_name_is_its_servers(alice: Caller, network: Network) -> None:
    """Nova refuses a port whose name is not the server's host name: its guest would be told the other one."""
    named = uuid.UUID(make(alice, "port", network_id=str(network.id), dns_name="web")["id"])
    nameless = uuid.UUID(make(alice, "port", network_id=str(network.id))["id"])

    def resolve(port_id: uuid.UUID, hostname: str) -> None:
        requested_networks.resolve(
            context=alice.context,
            requested=[RequestedNetwork(port_id=port_id)],
            permissions=InterfacePermissions(),
            hostname=hostname,
        )

    for port_id, hostname in ((named, "web"), (named, "Web"), (nameless, "db")):
        resolve(port_id, hostname)
    with pytest.raises(exceptions.PortNotUsableDns, match=r"Value web assigned to dns_name .* hostname db"):
        resolve(named, "db")


def test_lists_by_names_and_policies(alice: Caller, admin: Caller, network: Network) -> None:
    policy = admin.post("/qos/policies", {"policy": {"name": "slow", "shared": True}}).json()["policy"]["id"]
    values = {"dns_name": "web", "dns_domain": "shop.test.", "qos_policy_id": policy}
    port = make(alice, "port", network_id=str(network.id), **values)
    make(alice, "port", network_id=str(network.id))
    other = make(alice, "network", dns_domain="shop.test.", qos_policy_id=policy)
    for path, filters, wanted in (
        ("/ports", {"dns_name": "Web"}, port),
        ("/ports", {"dns_domain": "shop.test."}, port),
        ("/ports", {"qos_policy_id": policy}, port),
        ("/networks", {"dns_domain": "Shop.test."}, other),
        ("/networks", {"qos_policy_id": policy}, other),
        ("/ports", {"qos_policy_id": str(network.id)}, None),
        ("/networks", {"dns_domain": "test."}, None),
    ):
        (rows,) = alice.get(path, **filters).json().values()
        assert [row["id"] for row in rows] == ([wanted["id"]] if wanted else []), (path, filters)


def test_floating_ips_by_names_and_policies(alice: Caller, admin: Caller, public: Network) -> None:  # noqa: F811
    policy = admin.post("/qos/policies", {"policy": {"name": "slow", "shared": True}}).json()["policy"]["id"]
    values = {"dns_name": "web", "dns_domain": "shop.test.", "qos_policy_id": policy}
    made = make(alice, "floatingip", floating_network_id=str(public.id), **values)
    make(alice, "floatingip", floating_network_id=str(public.id))
    for name, value in values.items():
        (rows,) = alice.get("/floatingips", **{name: value}).json().values()
        assert [row["id"] for row in rows] == [made["id"]], name
