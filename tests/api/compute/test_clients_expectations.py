"""Behaviour that known clients depend on: Cluster API, Kubernetes controllers, CI systems, Terraform."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.common.exceptions import CloudError
from apps.compute import actions, states
from apps.compute.models import Server
from apps.compute.services import server_states
from apps.networking.exceptions import OverQuota, RoutesExhausted
from apps.networking.models import FixedIP, Port
from apps.networking.services import networks, ports, subnets
from apps.quotas.exceptions import QuotaExceeded
from tests.api.compute.conftest import ComputeCaller

NOVA_STATUSES = {
    "ACTIVE", "BUILD", "SHUTOFF", "PAUSED", "SUSPENDED", "ERROR", "DELETED", "REBOOT", "HARD_REBOOT", "RESIZE",
    "REBUILD", "RESCUE", "SOFT_DELETED", "MIGRATING", "REVERT_RESIZE", "VERIFY_RESIZE", "SHELVED", "SHELVED_OFFLOADED",
}  # fmt: skip


def test_a_build_is_build_until_it_is_active_or_error(server: Server) -> None:
    """GitLab's fleeting deletes a machine that is SHUTOFF or UNKNOWN between the two."""
    Server.objects.update(vm_state=states.BUILDING)
    for task in ("", actions.RETRY.task_state, *actions.RETRY.task_states):
        Server.objects.update(task_state=task)
        server_states.set_power_state(server_id=server.id, power_state="shutdown")
        server_states.sync_power_state(server_id=server.id, power_state="shutdown")
        server.refresh_from_db()
        assert server.status == "BUILD", task
    server_states.mark_active(server_id=server.id)
    server.refresh_from_db()
    assert (server.status, server.task_state, server.power_state) == ("ACTIVE", "", states.RUNNING)


@pytest.mark.parametrize("vm_state", [state for state, _ in states.VM_STATES])
def test_every_state_has_a_status_of_nova_s(vm_state: str) -> None:
    """A server that is being deleted keeps its last status: Terraform accepts no other."""
    for task in ("", *actions.TRANSITIONS, states.DELETING):
        assert states.status(vm_state, task) in NOVA_STATUSES
    assert states.status(vm_state, states.DELETING) == states.status(vm_state, "")


def test_quota_errors_are_told_by_their_texts() -> None:
    """Zuul considers a node broken unless the message says that a quota is exceeded."""
    of_compute = QuotaExceeded(resource="cores", requested=2, used=1, allowed=1).message
    assert "quota exceeded" in of_compute.lower()
    assert "quota exceeded" in OverQuota(resource="port").message.lower()

    def kinds(cls: type[CloudError]) -> list[type[CloudError]]:
        return [cls, *(kind for one in cls.__subclasses__() for kind in kinds(one))]

    for kind in kinds(CloudError):
        if kind.__module__.split(".")[1] not in ("compute", "quotas", "networking", "scheduling"):
            continue  # no fault of a server
        if kind is RoutesExhausted:
            continue  # of a router, in Neutron's words
        text = kind.template.lower()
        assert "exceeds" not in text or "quota" in text, kind


def test_what_an_active_server_shows(alice: ComputeCaller, server: Server) -> None:
    network = networks.create(context=alice.context, values={"name": "net"})
    subnet = subnets.create(
        context=alice.context,
        network=network,
        values={"network_id": network.id, "ip_version": 4, "cidr": "10.9.0.0/24"},
    )
    port = ports.create(context=alice.context, network=network, values={"network_id": network.id})
    FixedIP.objects.filter(port_id=port.id).update(ip_address="10.9.0.9")
    Port.objects.filter(id=port.id).update(device_id=str(server.id), request_index=0)
    Server.objects.update(zone="nova", host="h1")
    shown = alice.at("2.1").get(f"/servers/{server.id}").json()["server"]
    [address] = shown["addresses"]["net"]
    assert address == {
        "version": 4, "addr": "10.9.0.9", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": port.mac_address,
    }  # fmt: skip
    assert subnet.network_id == network.id
    assert shown["OS-EXT-AZ:availability_zone"] == "nova"
    assert shown["os-extended-volumes:volumes_attached"] == []
    changed = alice.put(f"/servers/{server.id}", {"server": {"accessIPv4": "192.0.2.7"}}).json()["server"]
    assert changed["accessIPv4"] == "192.0.2.7"


def test_pages_have_no_gaps_and_no_duplicates(alice: ComputeCaller, make_server: Callable[..., Server]) -> None:
    """CI systems poll in pages while servers come and go; Zuul stops on a marker that leads in circles."""
    staying = {str(make_server(alice, name=f"stays{n}").id) for n in range(25)}
    seen: list[str] = []
    url: str | None = "/servers/detail?limit=7"
    for turn in range(100):
        going = [make_server(alice, name=f"goes{turn}-{n}") for n in range(2)]
        document = alice.get(url or "").json()
        seen += [one["id"] for one in document["servers"]]
        Server.objects.filter(id=going[0].id).delete()
        if not document.get("servers_links"):
            break
        url = _path(document["servers_links"][0]["href"])
    assert len(seen) == len(set(seen))
    assert staying <= set(seen)


def _path(href: str) -> str:
    return href[href.index("/servers") :]


@pytest.mark.usefixtures("no_broker")
def test_auto_and_none_since_2_37(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    for name, code in (("none", 202), ("auto", 202)):
        answer = alice.at("2.37").post("/servers", {"server": {**wanted, "networks": name}})
        assert answer.status_code == code, answer.content
        assert alice.at("2.36").post("/servers", {"server": {**wanted, "networks": name}}).status_code == 400
    assert Server.objects.count() == 2


@pytest.mark.parametrize("path", ["/compute/", "/compute/v2.1/"])
def test_the_root_gives_the_range_of_microversions(client: Any, db: None, path: str) -> None:
    """Terraform and gophercloud read it; an empty ``version`` turned tags off on other clouds."""
    document = client.get(path).json()
    row = document["version"] if "version" in document else next(v for v in document["versions"] if v["id"] == "v2.1")
    assert (row["status"], row["min_version"], row["version"]) == ("CURRENT", "2.1", "2.104")
