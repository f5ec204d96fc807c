"""os-interface: attach and detach, as rows, as Nova's answers, and on a simulated host."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.compute.models import Server
from apps.networking.models import FloatingIP, Network, Port
from apps.networking.services import networks, subnets
from apps.networking.services import ports as port_services
from apps.quotas.models import Limit
from apps.workflow.models import Run
from tests.api.compute import in_process
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import HOST, Worker
from workers.engine import revert
from workers.mapping import servers as mapping
from workers.tasks.servers import interfaces as steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(revert, "RETRY_DELAY_SECONDS", 0)
    with in_process.worker(tmp_path, monkeypatch) as made:
        yield made
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def network_of(caller: ComputeCaller, cidr: str = "10.9.0.0/24", name: str = "net") -> Network:
    network = networks.create(context=caller.context, values={"name": name})
    values = {"network_id": network.id, "cidr": cidr, "ip_version": 4}
    subnets.create(context=caller.context, network=network, values=values)
    return network


@pytest.fixture
def network(alice: ComputeCaller) -> Network:
    return network_of(alice)


@pytest.fixture
def server(alice: ComputeCaller, make_server: Callable[..., Server], worker: Worker) -> Server:
    """A running server without interfaces, and its guest."""
    server = make_server(alice, host=HOST, zone="nova", power_state=1)
    worker.drivers.hypervisor.spawn(mapping.spec_of(server, worker.drivers, (), ()))
    return server


def path_of(server: Server) -> str:
    return f"/servers/{server.id}/os-interface"


def attach(caller: ComputeCaller, server: Server, **values: Any) -> dict[str, Any]:
    answer = caller.post(path_of(server), {"interfaceAttachment": values})
    assert answer.status_code == 200, answer.content
    return dict(answer.json()["interfaceAttachment"])


def cards(worker: Worker, server: Server) -> list[str]:
    return list(worker.record("domains", server.id)["cards"])


def test_attach_and_detach(alice: ComputeCaller, server: Server, network: Network, worker: Worker) -> None:
    made = attach(alice, server, net_id=str(network.id))
    port = Port.objects.get()
    address = port.fixed_ips.get()
    assert made == {
        "port_id": str(port.id), "net_id": str(network.id), "mac_addr": port.mac_address, "port_state": "DOWN",
        "fixed_ips": [{"subnet_id": str(address.subnet_id), "ip_address": address.ip_address}],
    }  # fmt: skip
    assert (port.device_id, port.device_owner, port.host) == (str(server.id), "compute:nova", HOST)
    assert [group.name for group in port.security_groups.all()] == ["default"]
    assert worker.work() == ["succeeded"]
    assert cards(worker, server) == [port.tap] and worker.record("ports", port.id)
    assert alice.get(f"{path_of(server)}/{port.id}").json()["interfaceAttachment"]["port_state"] == "ACTIVE"

    assert alice.delete(f"{path_of(server)}/{port.id}").status_code == 202
    assert worker.work() == ["succeeded", "succeeded"]
    assert cards(worker, server) == [] and worker.record("ports", port.id) is None
    assert not Port.objects.exists()
    server.refresh_from_db()
    assert (server.requested_networks, server.task_state) == ([], "")
    assert alice.delete(f"{path_of(server)}/{port.id}").status_code == 404
    actions = alice.get(f"/servers/{server.id}/os-instance-actions").json()["instanceActions"]
    assert [action["action"] for action in actions] == ["detach_interface", "attach_interface"]


def test_a_given_port_becomes_free_again(
    alice: ComputeCaller, server: Server, network: Network, worker: Worker
) -> None:
    port = port_services.create(context=alice.context, network=network, values={"network_id": network.id})
    assert attach(alice, server, port_id=str(port.id))["port_id"] == str(port.id)
    worker.work()
    alice.delete(f"{path_of(server)}/{port.id}")
    worker.work()
    port.refresh_from_db()
    assert (port.device_id, port.device_owner, port.host, port.bound) == ("", "", "", False)
    assert port.fixed_ips.exists()


def test_without_a_body_the_only_network(alice: ComputeCaller, server: Server, worker: Worker) -> None:
    answer = alice.post(path_of(server))
    assert answer.status_code == 400, answer.content
    assert answer.json()["badRequest"]["message"] == (
        f"No specific network was requested and none are available for project '{alice.project_id}'."
    )
    network = network_of(alice)
    answer = alice.post(path_of(server), {"interfaceAttachment": {}})
    assert answer.json()["interfaceAttachment"]["net_id"] == str(network.id)
    worker.work()
    network_of(alice, "10.8.0.0/24", "second")
    answer = alice.post(path_of(server))
    assert answer.status_code == 400 and "Multiple possible networks" in answer.json()["badRequest"]["message"]


def test_a_chosen_address(admin: ComputeCaller, alice: ComputeCaller, server: Server, network: Network) -> None:
    wanted = {"net_id": str(network.id), "fixed_ips": [{"ip_address": "10.9.0.77"}]}
    assert [fixed["ip_address"] for fixed in attach(alice, server, **wanted)["fixed_ips"]] == ["10.9.0.77"]
    answer = alice.post(path_of(server), {"interfaceAttachment": wanted})
    assert answer.status_code == 409 and "already in use" in answer.json()["conflictingRequest"]["message"]
    assert Port.objects.count() == 1


UNKNOWN = "bcba2e32-9188-4429-8d98-497fa470dfbe"  # a part of tests' names, the same in all processes


@pytest.mark.parametrize(
    ("body", "code", "sentence"),
    [
        ({"net_id": UNKNOWN}, 404, f"Network {UNKNOWN} could not be found."),
        ({"port_id": UNKNOWN}, 404, f"Port id {UNKNOWN} could not be found."),
        ({"net_id": UNKNOWN, "port_id": UNKNOWN}, 400, "Must not input both network_id and port_id"),
        ({"fixed_ips": [{"ip_address": "10.9.0.5"}]}, 400, "Must input network_id when request IP address"),
        ({"net_id": "x"}, 400, ""),
        ({"net_id": UNKNOWN, "fixed_ips": []}, 400, ""),
        ({"net_id": UNKNOWN, "fixed_ips": [{"ip_address": "10.9.0.5"}, {"ip_address": "10.9.0.6"}]}, 400, ""),
        ({"net_id": UNKNOWN, "fixed_ips": [{"ip_address": "nowhere"}]}, 400, ""),
        ({"tag": "public"}, 400, "microversion"),
        ({"other": 1}, 400, "Additional properties"),
    ],
)
def test_refusals(alice: ComputeCaller, server: Server, body: dict[str, Any], code: int, sentence: str) -> None:
    answer = alice.post(path_of(server), {"interfaceAttachment": body})
    assert answer.status_code == code, answer.content
    assert sentence in next(iter(answer.json().values()))["message"]
    assert not Run.objects.exists() and not Port.objects.exists()


def test_who_may_not(alice: ComputeCaller, bob: ComputeCaller, server: Server, network: Network) -> None:
    theirs = network_of(bob, "10.8.0.0/24")
    port = port_services.create(context=bob.context, network=theirs, values={"network_id": theirs.id})
    for body in ({"net_id": str(theirs.id)}, {"port_id": str(port.id)}):
        assert alice.post(path_of(server), {"interfaceAttachment": body}).status_code == 404
    assert bob.post(path_of(server), {"interfaceAttachment": {"net_id": str(theirs.id)}}).status_code == 404
    Limit.objects.create(owner_id=alice.project_id, resource="port", value=0)
    answer = alice.post(path_of(server), {"interfaceAttachment": {"net_id": str(network.id)}})
    assert answer.status_code == 403 and answer.json()["forbidden"]["message"] == "Maximum number of ports exceeded"
    assert not Run.objects.exists()


@pytest.mark.parametrize("values", [{"vm_state": "error"}, {"task_state": "powering-off"}, {"locked": True}])
def test_states_that_do_not_allow_it(
    alice: ComputeCaller, server: Server, network: Network, worker: Worker, values: dict[str, Any]
) -> None:
    port_id = attach(alice, server, net_id=str(network.id))["port_id"]
    worker.work()
    Server.objects.update(**values)
    assert alice.post(path_of(server), {"interfaceAttachment": {"net_id": str(network.id)}}).status_code == 409
    assert alice.delete(f"{path_of(server)}/{port_id}").status_code == 409
    assert Run.objects.count() == 1 and Port.objects.count() == 1


def test_a_stopped_server_has_it_at_its_next_start(
    alice: ComputeCaller, server: Server, network: Network, worker: Worker
) -> None:
    worker.drivers.hypervisor.stop(str(server.id), 0)
    Server.objects.update(vm_state="stopped", power_state=4)
    port_id = attach(alice, server, net_id=str(network.id))["port_id"]
    assert worker.work() == ["succeeded"]
    assert alice.get(f"{path_of(server)}/{port_id}").json()["interfaceAttachment"]["port_state"] == "DOWN"
    assert alice.post(f"/servers/{server.id}/action", {"os-start": None}).status_code == 202
    worker.work()
    assert cards(worker, server) == [Port.objects.get().tap]
    assert alice.get(f"{path_of(server)}/{port_id}").json()["interfaceAttachment"]["port_state"] == "ACTIVE"


def test_tags_stay_with_their_interfaces(
    alice: ComputeCaller, server: Server, network: Network, worker: Worker
) -> None:
    caller = alice.at("2.70")
    made = []
    for tag in ("one", None, "three"):
        made.append(attach(caller, server, net_id=str(network.id), **({"tag": tag} if tag else {})))
        worker.work()
    assert [item["tag"] for item in made] == ["one", None, "three"]
    caller.delete(f"{path_of(server)}/{made[1]['port_id']}")
    worker.work()
    listed = caller.get(path_of(server)).json()["interfaceAttachments"]
    assert [(item["port_id"], item["tag"]) for item in listed] == [
        (made[0]["port_id"], "one"), (made[2]["port_id"], "three"),
    ]  # fmt: skip
    attach(caller, server, net_id=str(network.id), tag="four")
    assert [item["tag"] for item in caller.get(path_of(server)).json()["interfaceAttachments"]] == [
        "one", "three", "four",
    ]  # fmt: skip


@pytest.mark.parametrize("op", ["plug", "attach_interface", "wait_until_up"])
@pytest.mark.parametrize("when", ["before", "inside", "after"])
def test_an_attach_that_fails_leaves_nothing(
    alice: ComputeCaller, server: Server, network: Network, worker: Worker, op: str, when: str
) -> None:
    worker.plan({"op": op, "error": "abort", "when": when})
    attach(alice, server, net_id=str(network.id))
    outcome = worker.work()
    if (op, when) == ("wait_until_up", "inside"):  # nothing is done halfway there
        assert outcome == ["succeeded"]
        return
    assert outcome == ["failed"]
    assert not Port.objects.exists()
    assert cards(worker, server) == [] and not list((worker.directory / "ports").glob("*.json"))
    server.refresh_from_db()
    assert (server.vm_state, server.requested_networks) == ("active", [])


def test_an_attach_is_tried_again(alice: ComputeCaller, server: Server, network: Network, worker: Worker) -> None:
    worker.plan({"op": "attach_interface", "error": "retryable", "when": "after", "times": 2})
    port_id = attach(alice, server, net_id=str(network.id))["port_id"]
    assert worker.work() == ["succeeded"]
    assert [str(port.id) for port in Port.objects.all()] == [port_id]


def test_a_detach_that_fails_changes_nothing(
    alice: ComputeCaller, server: Server, network: Network, worker: Worker
) -> None:
    attach(alice, server, net_id=str(network.id))
    worker.work()
    port = Port.objects.get()
    worker.plan({"op": "detach_interface", "error": "abort", "when": "after"})
    assert alice.delete(f"{path_of(server)}/{port.id}").status_code == 202
    assert worker.work() == ["succeeded", "failed"]
    assert cards(worker, server) == [port.tap] and Port.objects.get().bound
    worker.plan({"op": "unplug", "error": "retryable", "when": "before", "times": 1})
    assert alice.delete(f"{path_of(server)}/{port.id}").status_code == 202
    assert worker.work() == ["succeeded", "failed", "succeeded"]
    assert not Port.objects.exists()


def test_a_guest_that_holds_its_card_is_waited_for_by_a_long_step(
    alice: ComputeCaller, server: Server, network: Network, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach(alice, server, net_id=str(network.id))
    worker.work()
    port, asked = Port.objects.get(), []
    release = type(worker.drivers.hypervisor).detach_interface

    def hold(self: Any, server_id: str, tap: str, timeout_s: float) -> None:
        asked.append(Run.objects.get(action="detach_interface").queue)
        if len(asked) < 3:
            raise steps.GuestHoldsDevice("It holds it.")
        release(self, server_id, tap, timeout_s)

    monkeypatch.setattr(type(worker.drivers.hypervisor), "detach_interface", hold)
    alice.delete(f"{path_of(server)}/{port.id}")
    assert worker.work() == ["succeeded", "succeeded"]
    assert asked == [f"host.{HOST}", f"host.{HOST}.long", f"host.{HOST}.long"]


def test_detach_while_it_is_attached(alice: ComputeCaller, server: Server, network: Network, worker: Worker) -> None:
    """A port is detached in whatever state its attach is; a second request for the same is no error."""
    port_id = attach(alice, server, net_id=str(network.id))["port_id"]
    worker.step(Run.objects.get())
    for _ in range(2):
        assert alice.delete(f"{path_of(server)}/{port_id}").status_code == 202
    assert worker.work() == ["cancelled", "succeeded"]
    assert not Port.objects.exists() and cards(worker, server) == []


def test_changes_of_other_interfaces_wait_for_their_turn(
    alice: ComputeCaller, server: Server, network: Network, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.compute.services import device_changes

    first = attach(alice, server, net_id=str(network.id))["port_id"]
    looks: list[float] = []
    monkeypatch.setattr(device_changes.time, "sleep", lambda seconds: (looks.append(seconds), worker.work()))
    attach(alice, server, net_id=str(network.id))
    assert len(looks) == 1
    for _ in range(device_changes.settings.API_THREADS // 2):  # as many as may wait
        assert device_changes._WAITING.acquire(blocking=False)
    answer = alice.post(path_of(server), {"interfaceAttachment": {"net_id": str(network.id)}})
    assert (
        answer.status_code == 409 and "in use by 'attach_interface'" in answer.json()["conflictingRequest"]["message"]
    )
    assert alice.delete(f"{path_of(server)}/{first}").status_code == 400
    for _ in range(device_changes.settings.API_THREADS // 2):
        device_changes._WAITING.release()
    monkeypatch.setattr(device_changes, "BUSY_SECONDS", 0)
    monkeypatch.setattr(device_changes.time, "sleep", lambda _: None)
    assert alice.delete(f"{path_of(server)}/{first}").status_code == 400
    assert device_changes._WAITING.acquire(blocking=False), "who waited in vain waits no more"
    device_changes._WAITING.release()
    assert alice.post(f"/servers/{server.id}/action", {"os-stop": None}).status_code == 409


def test_a_delete_takes_attached_ports_with_it(
    alice: ComputeCaller, server: Server, network: Network, worker: Worker
) -> None:
    attach(alice, server, net_id=str(network.id))
    worker.work()
    attach(alice, server, net_id=str(network.id))
    assert alice.delete(f"/servers/{server.id}").status_code == 204
    assert worker.work() == ["succeeded", "cancelled", "succeeded"]
    assert not Port.objects.exists() and worker.record("domains", server.id) is None
    assert not FloatingIP.objects.exists()


def act(caller: ComputeCaller, server: Server, name: str, value: Any = None) -> Any:
    return caller.post(f"/servers/{server.id}/action", {name: value})


def test_fixed_ips_come_and_go(alice: ComputeCaller, server: Server, network: Network, worker: Worker) -> None:
    attach(alice, server, net_id=str(network.id))
    worker.work()
    port = Port.objects.get()
    old = port.fixed_ips.get().ip_address
    assert act(alice, server, "addFixedIp", {"networkId": str(network.id)}).status_code == 202
    new = port.fixed_ips.exclude(ip_address=old).get().ip_address
    shown = alice.get(f"/servers/{server.id}").json()["server"]["addresses"]["net"]
    assert [address["addr"] for address in shown] == [old, new]
    assert act(alice, server, "removeFixedIp", {"address": old}).status_code == 202
    assert port.fixed_ips.get().ip_address == new
    gone = act(alice, server, "removeFixedIp", {"address": old})
    assert (gone.status_code, gone.json()["badRequest"]["message"]) == (
        400, f"Instance {server.id} doesn't have fixed IP '{old}'.",
    )  # fmt: skip
    other = network_of(alice, "10.8.0.0/24", "second")
    for network_id in (str(other.id), "no-id"):
        absent = act(alice, server, "addFixedIp", {"networkId": network_id})
        assert absent.status_code == 404, absent.content
    for _ in range(4):
        act(alice, server, "addFixedIp", {"networkId": str(network.id)})
    assert act(alice, server, "addFixedIp", {"networkId": str(network.id)}).status_code == 400
    assert port.fixed_ips.count() == 5
    assert act(alice.at("2.44"), server, "addFixedIp", {"networkId": str(network.id)}).status_code == 404
    Server.objects.update(task_state="powering-off")
    assert act(alice, server, "removeFixedIp", {"address": new}).status_code == 409
    assert act(alice, server, "addFixedIp", {}).status_code == 400


def test_injected_network_info(alice: ComputeCaller, admin: ComputeCaller, server: Server) -> None:
    assert act(alice, server, "injectNetworkInfo").status_code == 403
    assert act(admin, server, "injectNetworkInfo").status_code == 202
    assert act(admin, server, "resetNetwork").status_code == 410
