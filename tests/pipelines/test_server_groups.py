"""Members of a group that boot concurrently never violate its policy; members without a host say why."""

import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.compute.models import Server, ServerGroup
from apps.compute.selectors import request_specs
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.models import Allocation
from apps.scheduling.services import allocations, hosts
from deploy.testrun import PREFIX, Services, root_of_states
from tests.cloud import Cloud, wait_for
from workers.tasks.servers.schedule import place

HOSTS, SERVERS = 8, 16
FLAVOR = {"id": "1", "original_name": "f", "vcpus": 1, "ram": 512, "disk": 1, "ephemeral": 0, "swap": 0}


@pytest.fixture
def eight_hosts(transactional_db: None, settings: Any) -> None:
    """Eight hosts with room for ten servers each."""
    settings.ALLOCATION_RATIOS = {"vcpus": 1.0, "ram_mib": 1.0, "disk_gib": 1.0}
    settings.RESERVED_RAM_MIB = 0
    for number in range(HOSTS):
        facts = {"hypervisor_type": "simulated", "virt_type": "simulated"}
        hosts.register(
            name=f"h{number}", facts=facts, vcpus=10, ram_mib=5120, disk_gib=100, agent_url="http://127.0.0.1:1"
        )


@pytest.fixture
def members(eight_hosts: None) -> Callable[..., list[Server]]:
    def make(policy: str, count: int = SERVERS, **rules: int) -> list[Server]:
        group = ServerGroup.objects.create(project_id="p", user_id="u", name="g", policy=policy, rules=rules)
        rows = [
            Server(project_id="p", user_id="u", name="s", hostname="s", flavor=FLAVOR, reservation_id="r", group=group)
            for _ in range(count)
        ]
        return Server.objects.bulk_create(rows)

    return make


def _place(server: Server) -> str:
    try:
        return place(server, consumer_id=server.id, excluded=[]).host
    except NoValidHost as error:
        return error.message
    finally:
        connection.close()


def placed(servers: list[Server]) -> tuple[Counter[str], list[str]]:
    """Place all at once. Returns the number on each host, and the messages of those that were refused."""
    with ThreadPoolExecutor(max_workers=SERVERS) as pool:
        told = list(pool.map(_place, servers))
    on_hosts = Counter(one for one in told if one.startswith("h"))
    assert on_hosts == Counter(Allocation.objects.values_list("host__name", flat=True))
    return on_hosts, [one for one in told if not one.startswith("h")]


def test_anti_affinity(members: Callable[..., list[Server]]) -> None:
    on_hosts, refused = placed(members("anti-affinity"))
    assert on_hosts == {f"h{number}": 1 for number in range(HOSTS)}
    assert len(refused) == SERVERS - HOSTS
    assert all("group" in one and "anti-affinity" in one for one in refused), refused[0]


def test_anti_affinity_with_several_on_a_host(members: Callable[..., list[Server]]) -> None:
    on_hosts, refused = placed(members("anti-affinity", 2 * SERVERS, max_server_per_host=3))
    assert set(on_hosts.values()) == {3}
    assert len(refused) == 2 * SERVERS - 3 * HOSTS


def test_affinity(members: Callable[..., list[Server]]) -> None:
    on_hosts, refused = placed(members("affinity"))
    assert list(on_hosts.values()) == [10], "one host, and as many as it has room for"
    assert len(refused) == 6
    assert all("group" in one or "RAM" in one for one in refused), refused[0]


@pytest.mark.parametrize("policy", ["soft-affinity", "soft-anti-affinity"])
def test_soft_policies_never_fail(members: Callable[..., list[Server]], policy: str) -> None:
    on_hosts, refused = placed(members(policy, 2 * SERVERS))
    assert refused == []
    assert sum(on_hosts.values()) == 2 * SERVERS
    if policy == "soft-anti-affinity":
        assert set(on_hosts.values()) == {4}


def test_a_host_that_was_asked_for_does_not_break_the_policy(members: Callable[..., list[Server]]) -> None:
    servers = members("anti-affinity", 3)
    for server in servers:
        server.requested_host = "h5"
    on_hosts, refused = placed(servers)
    assert on_hosts == {"h5": 1}
    assert len(refused) == 2
    assert "does not suit the policy of the server's group: anti-affinity" in refused[0]


def test_without_a_group_no_statement_more(members: Callable[..., list[Server]]) -> None:
    """Choosing and claiming costs its own statements only: no transaction, lock or query of groups."""
    servers = members("affinity", 3)
    for server in servers:
        server.group = None
    place(servers[0], consumer_id=servers[0].id, excluded=[])
    with CaptureQueriesContext(connection) as queries:
        place(servers[1], consumer_id=servers[1].id, excluded=[])
    spec = request_specs.of_server(servers[2], excluded=[])
    with CaptureQueriesContext(connection) as least:
        allocations.choose_and_claim(consumer_id=servers[2].id, spec=spec)
    assert len(queries) == len(least)
    assert "servergroup" not in str(queries.captured_queries)


# --- Real processes ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    with Services(state) as services, Cloud(services, CELERITY_HOSTS=str(HOSTS)) as running:
        wait_for(lambda: len(running.rows("SELECT 1 FROM scheduling_host")) == HOSTS, what="all hosts")
        project = running.rows("SELECT id FROM identity_project WHERE name = 'demo'")[0][0]
        quota = {"instances": 100, "cores": 100, "server_group_members": 100}
        answer = running.call("PUT", f"/compute/v2.1/os-quota-sets/{project}", {"quota_set": quota}, admin=True)
        assert answer.status_code == 200, answer.text
        yield running
        running.delete_all()
        running.assert_clean()


@pytest.mark.processes
@pytest.mark.heavy
def test_sixteen_boots_on_eight_hosts(cloud: Cloud) -> None:
    body = {"server_group": {"name": "apart", "policy": "anti-affinity"}}
    group = cloud.call("POST", "/compute/v2.1/os-server-groups", body).json()["server_group"]["id"]
    server = {"name": "vm", "imageRef": cloud.image(), "flavorRef": "1", "networks": "none"}

    def boot(number: int) -> str:
        wanted = {"server": {**server, "name": f"vm{number}"}, "os:scheduler_hints": {"group": group}}
        return str(cloud.call("POST", "/compute/v2.1/servers", wanted).json()["server"]["id"])

    with ThreadPoolExecutor(max_workers=SERVERS) as pool:
        ids = list(pool.map(boot, range(SERVERS)))
    found = [cloud.settled(one) for one in ids]
    active = [one for one in found if one["status"] == "ACTIVE"]
    assert len({one["OS-EXT-SRV-ATTR:host"] for one in active}) == len(active) == HOSTS
    failed = [one for one in found if one["status"] == "ERROR"]
    assert len(failed) == SERVERS - HOSTS
    for one in failed:
        assert "anti-affinity" in one["fault"]["message"], one["fault"]
        assert "sim-" not in one["fault"]["message"]
    # A host that is free again takes a new member.
    cloud.delete(active[0]["id"])
    assert cloud.settled(boot(SERVERS))["OS-EXT-SRV-ATTR:host"] == active[0]["OS-EXT-SRV-ATTR:host"]


@pytest.mark.processes
@pytest.mark.heavy
def test_the_policy_survives_kills(cloud: Cloud) -> None:
    """Schedulers and agents die while members are placed and built."""
    body = {"server_group": {"name": "hard", "policy": "anti-affinity"}}
    group = cloud.call("POST", "/compute/v2.1/os-server-groups", body).json()["server_group"]["id"]
    server = {"name": "vm", "imageRef": cloud.image(), "flavorRef": "1", "networks": "none", "min_count": SERVERS}
    wanted = {"server": server, "os:scheduler_hints": {"group": group}}
    assert cloud.call("POST", "/compute/v2.1/servers", wanted).status_code == 202
    for name in ("scheduler", "agent", "scheduler"):
        cloud.kill(name)
    ids = [str(one) for (one,) in cloud.rows("SELECT id FROM compute_server WHERE group_id = %s", group)]
    found = [cloud.settled(one, seconds=180) for one in ids]
    active = [one["OS-EXT-SRV-ATTR:host"] for one in found if one["status"] == "ACTIVE"]
    # How many find a place depends on which host was thought lost meanwhile; that none share one does not.
    assert 0 < len(set(active)) == len(active) <= HOSTS
    cloud.delete_all()


@pytest.mark.processes
@pytest.mark.heavy
def test_members_of_an_affinity_group_stay_together_when_a_host_fails_them(cloud: Cloud) -> None:
    """First attempts fail; second attempts join the members that are placed."""
    body = {"server_group": {"name": "together", "policy": "affinity"}}
    group = cloud.call("POST", "/compute/v2.1/os-server-groups", body).json()["server_group"]["id"]
    server = {"name": "vm", "imageRef": cloud.image(), "flavorRef": "1", "networks": "none", "min_count": 6}
    cloud.plan({"op": "spawn", "error": "retryable", "times": 2, "message": "Not now.", "id": str(uuid.uuid4())})
    wanted = {"server": server, "os:scheduler_hints": {"group": group}}
    assert cloud.call("POST", "/compute/v2.1/servers", wanted).status_code == 202
    ids = [str(one) for (one,) in cloud.rows("SELECT id FROM compute_server WHERE group_id = %s", group)]
    found = [cloud.settled(one) for one in ids]
    cloud.plan()
    active = {one["OS-EXT-SRV-ATTR:host"] for one in found if one["status"] == "ACTIVE"}
    assert len(active) == 1
