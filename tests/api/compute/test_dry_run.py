"""Dry runs: the scheduler's answer as a sentence, without any write; and the operator's command."""

import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.compute.models import Flavor, Server, ServerGroup
from apps.compute.services.server_requests import limits as request_limits
from apps.images.models import Image
from apps.quotas.services import limits
from apps.scheduling.models import Host, Inventory
from apps.scheduling.services import allocations
from tests.api.compute.conftest import ComputeCaller
from workers.tasks.servers.schedule import place


@pytest.fixture
def body(flavor: Flavor, image: Image) -> dict[str, Any]:
    wanted = {"name": "vm", "imageRef": str(image.id), "flavorRef": flavor.flavor_id, "networks": "none"}
    return {**wanted, "dry_run": True}


@pytest.fixture
def three_hosts(make_host: Callable[..., Host]) -> None:
    """Each with room for three servers of the flavor's 2 vCPUs."""
    for number in range(3):
        make_host(f"h{number}", number)
    Inventory.objects.update(vcpus=6, vcpus_ratio=1.0)


def rows() -> dict[str, int]:
    """Return how many rows each table has."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            found[table] = cursor.fetchone()[0]
    return found


def ask(caller: ComputeCaller, body: dict[str, Any], hints: dict[str, Any] | None = None, **more: Any) -> Any:
    """Send a dry run and assert that it wrote nothing."""
    before = rows()
    answer = caller.at("2.96").post(
        "/servers", {"server": {**body, **more}, **({"os:scheduler_hints": hints} if hints else {})}
    )
    assert rows() == before
    return answer


@pytest.mark.usefixtures("three_hosts")
def test_it_fits(alice: ComputeCaller, body: dict[str, Any]) -> None:
    answer = ask(alice, body)
    assert answer.status_code == 200
    assert answer.json() == {
        "dry_run": {"fits": True, "servers_asked": 1, "servers_fitting": 1, "message": "It would fit now."}
    }


@pytest.mark.usefixtures("three_hosts")
def test_an_automatic_network_is_not_made(alice: ComputeCaller, body: dict[str, Any]) -> None:
    assert ask(alice, body, networks="auto").json()["dry_run"]["fits"]


@pytest.mark.usefixtures("three_hosts")
def test_administrators_see_why(admin: ComputeCaller, body: dict[str, Any]) -> None:
    told = ask(admin, body, min_count=4).json()["dry_run"]
    assert (told["fits"], len(told["hosts"])) == (True, 4)
    assert told["explanation"]["considered"] == 3
    assert {one["host"] for one in told["explanation"]["candidates"]} == {"h0", "h1", "h2"}
    assert {"filter", "in", "out"} <= set(told["explanation"]["filters"][0])


@pytest.mark.usefixtures("three_hosts")
def test_some_fit(alice: ComputeCaller, body: dict[str, Any]) -> None:
    limits.set_many(owner_id=alice.project_id, values={"instances": 100, "cores": 100})
    told = ask(alice, body, min_count=12).json()["dry_run"]
    assert (told["fits"], told["servers_asked"], told["servers_fitting"]) == (False, 12, 9)
    assert "9 of 12 servers would fit now. Of the next: No valid host was found." in told["message"]
    assert "vCPU" in told["message"]
    assert "h0" not in told["message"]
    assert "hosts" not in told


def test_dedicated_processors_are_counted(
    alice: ComputeCaller, body: dict[str, Any], flavor: Flavor, make_host: Callable[..., Host]
) -> None:
    """The plan of a flavor with two of them on a host with three: one server, and why there is no second."""
    cell = {"id": 0, "cpus": [0, 1, 2, 3], "siblings": [], "memory": 4096, "pages": {}}
    topology = {"dedicated": [1, 2, 3], "shared": [0], "cells": [cell]}
    make_host("h0", 0, topology=topology, traits=["CUSTOM_DEDICATED_CPUS"])
    Flavor.objects.filter(id=flavor.id).update(extra_specs={"hw:cpu_policy": "dedicated"})
    told = ask(alice, body, min_count=2).json()["dry_run"]
    assert (told["servers_fitting"], told["fits"]) == (1, False)
    assert "1 host checked: 1 without free dedicated CPUs" in told["message"]


def test_nothing_fits(alice: ComputeCaller, admin: ComputeCaller, body: dict[str, Any]) -> None:
    assert ask(alice, body).json()["dry_run"]["message"].startswith("It would not fit now. No valid host was found.")


@pytest.mark.usefixtures("three_hosts")
def test_a_group(alice: ComputeCaller, body: dict[str, Any]) -> None:
    for policy, fitting in (("anti-affinity", 3), ("affinity", 3), ("soft-anti-affinity", 4), ("soft-affinity", 4)):
        values = {"project_id": alice.project_id, "user_id": alice.project_id, "name": "g"}
        group = ServerGroup.objects.create(**values, policy=policy)
        told = ask(alice, body, {"group": str(group.id)}, min_count=4).json()["dry_run"]
        assert told["servers_fitting"] == fitting, policy
        assert "group" in told["message"] or told["fits"] or policy == "affinity"


@pytest.mark.usefixtures("three_hosts")
def test_a_host_by_name(admin: ComputeCaller, body: dict[str, Any]) -> None:
    told = ask(admin, body, host="h1", min_count=4).json()["dry_run"]
    assert told["hosts"] == ["h1", "h1", "h1"]
    assert "vCPU" in told["message"]
    values = {"project_id": admin.project_id, "user_id": admin.project_id, "name": "g", "policy": "anti-affinity"}
    group = ServerGroup.objects.create(**values)
    told = ask(admin, body, {"group": str(group.id)}, host="h1", min_count=2).json()["dry_run"]
    assert told["hosts"] == ["h1"]
    assert "does not suit the policy of the server's group: anti-affinity" in told["message"]


@pytest.mark.usefixtures("three_hosts")
def test_a_host_by_name_is_all_that_is_looked_at(admin: ComputeCaller, body: dict[str, Any]) -> None:
    """The scheduler then reads no other host, but the answer listed all hosts as candidates."""
    told = ask(admin, body, host="h1", min_count=3).json()["dry_run"]
    assert told["hosts"] == ["h1"] * 3
    real = _explained(admin, requested_host="h1")
    for one in (told["explanation"], real):
        assert (one["considered"], one["hosts"]) == (1, 3)
        assert [row["host"] for row in one["candidates"]] == ["h1"]
    told = ask(admin, body, host="h1", min_count=3).json()["dry_run"]
    assert (told["hosts"], told["explanation"]["considered"]) == (["h1"] * 2, 1)
    assert told["explanation"]["misses"] == ["h1 lacks 2 vCPUs"]


def _explained(owner: ComputeCaller, **values: Any) -> dict[str, Any]:
    """Place such a server as its build would. Return the scheduler's message."""
    flavor = {"original_name": "f7", "vcpus": 2, "ram": 256, "disk": 3, "ephemeral": 0, "swap": 0}
    server = Server.objects.create(
        project_id=owner.project_id, user_id="u", name="s", hostname="s", vm_state="building", flavor=flavor,
        reservation_id="r-12345678", **values,
    )  # fmt: skip
    choice = place(server, consumer_id=server.id, excluded=[])
    return {**choice.explanation, "host": choice.host}


@pytest.mark.parametrize("policy", ["affinity", "soft-affinity", "soft-anti-affinity"])
def test_the_zone_of_the_group_counts(
    admin: ComputeCaller, body: dict[str, Any], make_host: Callable[..., Host], settings: Any, policy: str
) -> None:
    """The scheduler would choose the other zone, but that of the group counts; dry runs ignored it."""
    settings.SCHEDULER_HOST_SUBSET_SIZE = 1
    for number, zone in enumerate(["east", "east", "west", "west"]):
        make_host(f"h{number}", number, zone=zone)
    Inventory.objects.filter(host__zone="west").update(ram_mib=99_999, vcpus=99)
    Inventory.objects.filter(host__name="h3").update(disk_gib=200)  # no two are alike
    values = {"project_id": admin.project_id, "user_id": admin.project_id, "name": "g", "policy": policy}
    group = ServerGroup.objects.create(**values)
    _explained(admin, group_id=group.id, requested_host="h0")
    if policy != "affinity":
        Inventory.objects.filter(host__name="h0").update(vcpus_used=8, vcpus_ratio=1.0)
    told = ask(admin, body, {"group": str(group.id)}).json()["dry_run"]
    real = _explained(admin, group_id=group.id)
    assert told["hosts"] == [real["host"]]
    assert told["explanation"]["candidates"] == real["candidates"]
    assert (real["host"] == "h1") is (policy == "soft-affinity")


@pytest.mark.usefixtures("three_hosts")
def test_what_the_quota_limits_is_told(alice: ComputeCaller, body: dict[str, Any]) -> None:
    """When the quota had room for fewer servers, these were reported as all that were requested."""
    limits.set_many(owner_id=alice.project_id, values={"instances": 5, "cores": 12})
    told = ask(alice, body, min_count=2, max_count=100).json()["dry_run"]
    assert (told["fits"], told["servers_asked"], told["servers_fitting"]) == (False, 100, 5)
    assert told["message"] == (
        "5 of 100 servers would fit now. Of the next: Quota exceeded for instances: "
        "Requested 6, but already used 0 of 5 instances"
    )
    limits.set_many(owner_id=alice.project_id, values={"instances": 50, "cores": 100})
    told = ask(alice, body, max_count=100).json()["dry_run"]
    assert (told["servers_asked"], told["servers_fitting"]) == (100, 9)
    assert "9 of 100 servers would fit now. Of the next: No valid host was found." in told["message"]
    limits.set_many(owner_id=alice.project_id, values={"instances": 1})
    refused = ask(alice, body, min_count=2, max_count=100)
    assert refused.status_code == 403
    assert "Requested 2, but already used 0 of 1" in refused.json()["forbidden"]["message"]


@pytest.mark.usefixtures("three_hosts")
def test_quota_that_is_freed_meanwhile_counts(
    alice: ComputeCaller, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits.set_many(owner_id=alice.project_id, values={"instances": 9, "cores": 100})
    room, looks = request_limits.room, []

    def growing(*, most: int, **values: Any) -> int:
        looks.append(1)
        return room(most=min(most, 2 * len(looks)), **values)

    monkeypatch.setattr(request_limits, "room", growing)
    told = ask(alice, body, max_count=5).json()["dry_run"]
    assert (told["fits"], told["servers_asked"], told["servers_fitting"]) == (True, 5, 5)


@pytest.mark.usefixtures("three_hosts")
def test_refused_as_the_request_itself(alice: ComputeCaller, body: dict[str, Any]) -> None:
    assert ask(alice, body, flavorRef="none").status_code == 400
    assert ask(alice, body, host="h1").status_code == 403
    limits.set_many(owner_id=alice.project_id, values={"instances": 0})
    refused = ask(alice, body)
    assert refused.status_code == 403
    assert "Quota exceeded for instances" in refused.json()["forbidden"]["message"]
    assert ask(alice, body, max_count=101).status_code == 400
    assert ask(alice, body, dry_run="maybe").status_code == 400


def test_false_is_an_ordinary_request(alice: ComputeCaller, body: dict[str, Any], no_broker: list[Any]) -> None:
    assert alice.at("2.96").post("/servers", {"server": {**body, "dry_run": False}}).status_code == 202
    assert Server.objects.count() == 1


@pytest.mark.usefixtures("three_hosts")
def test_it_says_what_then_happens(
    alice: ComputeCaller, body: dict[str, Any], no_broker: list[Any], settings: Any
) -> None:
    settings.SCHEDULER_HOST_SUBSET_SIZE = 1
    limits.set_many(owner_id=alice.project_id, values={"instances": 100, "cores": 100})
    fitting = ask(alice, body, min_count=12).json()["dry_run"]["servers_fitting"]
    alice.at("2.96").post("/servers", {"server": {**body, "dry_run": False, "min_count": 12}})
    placed = 0
    for server in Server.objects.all():
        try:
            place(server, consumer_id=server.id, excluded=[])
            placed += 1
        except allocations.NoValidHost:
            pass
    assert placed == fitting == 9


# --- manage.py schedule ---------------------------------------------------------------------------


def schedule(*arguments: str) -> tuple[str, bool]:
    """Return the output of the command, and whether all servers fit."""
    printed, before = io.StringIO(), rows()
    try:
        call_command("schedule", "--image", "cirros", "--flavor", "f7", *arguments, stdout=printed)
        fits = True
    except CommandError as error:
        if str(error) != "Not everything fits.":
            raise
        fits = False
    assert rows() == before
    assert max(map(len, printed.getvalue().splitlines())) <= 100
    return printed.getvalue(), fits


@pytest.mark.usefixtures("three_hosts", "flavor")
def test_the_command_asks_for_the_image_that_is_shown(image: Image) -> None:
    """`make up` hides an older image when it loads a newer one of the same name."""
    Image.objects.filter(id=image.id).update(name="cirros")
    image.refresh_from_db()
    image.pk, image.os_hidden, image._state.adding = uuid.uuid4(), True, True
    image.save()
    assert schedule("--count", "1")[1]


@pytest.mark.usefixtures("three_hosts", "image", "flavor")
def test_the_command(alice: ComputeCaller, make_server: Callable[..., Server]) -> None:
    told, fits = schedule("--count", "3")
    assert fits
    for part in ("All 3 servers would fit now.", "  1. h", "3 hosts checked", "removed no host", "candidate"):
        assert part in told, told
    told, fits = schedule("--count", "12", "--zone", "nova")
    assert not fits
    assert "9 of 12 servers would fit now" in told
    assert "Nearest misses:" in told
    assert "lacks 2 vCPUs" in told
    told, fits = schedule("--host", "h2")
    assert "  1. h2" in told
    near = make_server(alice)
    allocations.claim(
        consumer_id=near.id, spec=allocations.RequestSpec(vcpus=1, ram_mib=1, disk_gib=1),
        host_ids=[str(Host.objects.get(name="h1").id)],
    )  # fmt: skip
    told, _ = schedule("--project", alice.project_id, "--hint", f"same_host={near.id}")
    assert "  1. h1" in told
    with pytest.raises(CommandError, match="Quota exceeded for"):
        call_command("schedule", "--image", "cirros", "--flavor", "7", "--project", alice.project_id, "--count", "11")


@pytest.mark.usefixtures("three_hosts", "image", "flavor")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--flavor", "none", "--image", "cirros"], "Flavor none could not be found"),
        (["--flavor", "7", "--image", "none"], "No image has the id or the name none"),
        (["--flavor", "7", "--image", "cirros", "--zone", "none"], "availability zone is not available"),
        (["--flavor", "7", "--image", "cirros", "--host", "none"], "none could not be found"),
        (["--flavor", "7", "--image", "cirros", "--project", "none"], "No project"),
        (["--flavor", "7", "--image", "cirros", "--hint", "x"], "KEY=VALUE"),
        (["--flavor", "7", "--image", "cirros", "--hint", "group=x"], "not a 'uuid'"),
        (
            ["--flavor", "7", "--image", "cirros", "--hint", "same_host=x"],
            "^--hint: Invalid input for field/attribute os:scheduler_hints.same_host: 'x' is not a 'uuid'$",
        ),
        (["--flavor", "7", "--image", "cirros", "--count", "0"], "at least 1"),
        (["--flavor", "7", "--image", "cirros", "--count", "101"], "at most 100"),
    ],
)
def test_what_the_command_refuses(arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("schedule", *arguments)


@pytest.mark.usefixtures("three_hosts")
def test_a_dry_run_in_the_wrong_place_boots_nothing(alice: ComputeCaller, body: dict[str, Any]) -> None:
    """Nova's schema allows hints beside ``server`` only: a misplaced brace is refused."""
    wanted = {name: value for name, value in body.items() if name != "dry_run"}
    answer = alice.at("2.96").post("/servers", {"server": wanted, "dry_run": True, "x": 1})
    assert answer.status_code == 400
    assert "'dry_run', 'x' was unexpected" in answer.json()["badRequest"]["message"]
    assert not Server.objects.exists()
