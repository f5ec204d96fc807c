"""A dead host: the plan, which servers restart elsewhere and in which order, fencing; and moves that balance hosts."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.compute.models import Migration, Server
from apps.compute.selectors import request_specs, server_hardware
from apps.compute.selectors.evacuations import PROPERTY, priority
from apps.compute.services import drains, evacuations, services
from apps.scheduling.models import Host, Inventory
from apps.scheduling.services import hosts
from apps.workflow.models import Run
from tests.api.compute.conftest import ComputeCaller
from workers.periodic import fencing


def command(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def flavor(**values: Any) -> dict[str, Any]:
    sizes = {"id": "7", "original_name": "f7", "vcpus": 1, "ram": 64, "disk": 1, "ephemeral": 0, "swap": 0}
    return {**sizes, **values}


@pytest.mark.parametrize(
    ("restarts", "of_flavor", "of_server", "expected"),
    [
        (False, None, None, None), (True, None, None, 50), (False, "80", None, 80), (True, "never", "99", None),
        (False, "80", "never", None), (False, "80", "99", 80), (False, "80", "20", 20), (False, None, "99", 50),
        (True, "some", "1000", 50), (False, "100", None, 100), (False, "0", None, 0),
    ],
)  # fmt: skip
def test_priority(settings: Any, restarts: bool, of_flavor: Any, of_server: Any, expected: int | None) -> None:
    settings.RESTART_ELSEWHERE = restarts
    specs, metadata = ({PROPERTY: value} if value else {} for value in (of_flavor, of_server))
    assert priority(Server(flavor={"extra_specs": specs}, metadata=metadata)) == expected


@pytest.fixture
def dead(
    alice: ComputeCaller, image: Any, no_broker: list[Any], make_server: Any, make_host: Any, settings: Any
) -> dict[str, Server]:
    """Four servers on h1, and h2, which has room for two more."""
    settings.EVACUATE_AT_ONCE = 2
    for number, name in enumerate(("h1", "h2"), start=1):
        make_host(name, number)
    Inventory.objects.filter(host__name="h2").update(vcpus=3, vcpus_ratio=1, ram_mib=4096, ram_reserved=0, disk_gib=100)
    kinds = {"first": "90", "second": "60", "last": "10", "never": "never"}
    return {
        name: make_server(
            alice, host="h1", name=name, vm_state="active", image_id=image.id,
            flavor=flavor(extra_specs={PROPERTY: rank}),
        )
        for name, rank in reversed(kinds.items())
    }  # fmt: skip


def test_servers_restart_elsewhere(dead: dict[str, Server]) -> None:
    with pytest.raises(CommandError, match="not forced down"):
        command("evacuate", "h1")
    plan = command("evacuate", "h1", "--plan", "--automatic").splitlines()
    assert [line.split()[1] for line in plan[:4]] == ["first", "second", "last", "never"]
    assert "priority 90, to h2: its disk is made again" in plan[0] and "not by itself" in plan[3]
    assert "3 of 4" in plan[4] and "not forced down" in plan[5]
    Inventory.objects.filter(host__name="h2").update(vcpus=2)
    assert "stays: No valid host was found." in command("evacuate", "h1", "--plan").splitlines()[2]
    assert evacuations.advance() == 0 and not Migration.objects.exists()
    services.update(host="h1", forced_down=True)
    Host.objects.filter(name="h1").update(heartbeat_at=timezone.now())
    assert evacuations.advance() == 0 and "its host is heard again" in command("evacuate", "h1", "--show")
    with pytest.raises(CommandError, match="not forced down"):
        command("evacuate", "h1")
    with pytest.raises(BadRequest, match="still in use"):
        evacuations.begin(context=RequestContext(is_admin=True), server=dead["first"])
    Host.objects.filter(name="h1").update(heartbeat_at=timezone.now() - timedelta(seconds=60))
    assert (evacuations.advance(), evacuations.advance()) == (2, 0)
    assert sorted(row.server.name for row in Migration.objects.all()) == ["first", "second"]
    text = command("evacuate", "h1", "--show")
    assert "is being made again" in text and "is not to restart elsewhere by itself" in text
    # One is there; the other failed, and is tried again only when an operator asks.
    Server.objects.filter(name="first").update(host="h2", task_state="")
    Migration.objects.filter(server__name="first").update(status="done")
    failed = Migration.objects.get(server__name="second")
    Migration.objects.filter(id=failed.id).update(status="error")
    Run.objects.filter(id=failed.run_id).update(state="failed", error_message="No room.")
    Run.objects.filter(state="queued").update(state="succeeded")
    Server.objects.filter(name="second").update(task_state="")
    assert evacuations.advance() == 1
    assert "No room." in command("evacuate", "h1", "--show")
    Migration.objects.filter(status="accepted").update(status="done")
    assert "second" in command("evacuate", "h1")
    assert evacuations.advance() == 2
    assert Migration.objects.filter(server__name="never").exists()
    services.update(host="h1", forced_down=False)
    assert Host.objects.get(name="h1").evacuating_since is None and evacuations.advance() == 0


def test_servers_that_are_refused_keep_none_waiting(dead: dict[str, Server], monkeypatch: Any) -> None:
    """Two at once: one has a TPM, whose state is on the dead host; one is refused for a reason that no plan knows."""
    Server.objects.filter(name="first").update(flavor=flavor(extra_specs={PROPERTY: "90", "hw:tpm_version": "2.0"}))
    services.update(host="h1", forced_down=True)
    Host.objects.filter(name="h1").update(heartbeat_at=timezone.now() - timedelta(seconds=60))
    assert "has a TPM, whose state is on its host" in command("evacuate", "h1", "--plan").splitlines()[0]
    begin = evacuations.begin

    def refuse_second(*, server: Server, **more: Any) -> Any:
        if server.name == "second":
            raise BadRequest("Not this one.")
        return begin(server=server, **more)

    monkeypatch.setattr(evacuations, "begin", refuse_second)
    assert evacuations.advance() == 1 and Migration.objects.get().server.name == "last"
    # One from before its image's words were read is built without what they ask for, and stops nothing.
    Server.objects.filter(name="never").update(image_properties={"hw_cpu_thread_policy": "prefer"})
    assert server_hardware.bound(Server.objects.get(name="never")) == ""
    assert request_specs.of_server(Server.objects.get(name="never"), excluded=[]).topology is None


def test_fencing(dead: dict[str, Server], settings: Any, tmp_path: Any) -> None:
    told = tmp_path / "told"

    def heard(name: str, seconds: float, **values: Any) -> None:
        """A host's last heartbeat was so long ago."""
        Host.objects.filter(name=name).update(heartbeat_at=timezone.now() - timedelta(seconds=seconds), **values)

    def refuses() -> bool:
        return fencing.fence() == 0 and not told.exists() and not Host.objects.get(name="h1").forced_down

    long_ago = timezone.now() - timedelta(hours=1)
    Host.objects.update(heard_since=long_ago)
    fencing._tried.clear()
    heard("h1", 200)
    assert refuses(), "no command"
    settings.FENCE_COMMAND, settings.FENCE_AFTER = "false", 100
    assert refuses(), "it fails"
    settings.FENCE_COMMAND = f"sh -c 'echo \"$0\" >> {told}'"
    settings.FENCE_AFTER = 300
    assert refuses(), "it was heard"
    settings.FENCE_AFTER = 100
    heard("h2", 200)
    assert refuses(), "nobody is heard: the network of this machine is down"
    heard("h2", 0, forced_down=True)
    assert refuses(), "the dead do not count"
    hosts.heartbeat(names=["h2"])
    Host.objects.filter(name="h2").update(forced_down=False, heard_since=timezone.now())
    assert refuses(), "the database was away: others may be about to be heard"
    Host.objects.filter(name="h2").update(heard_since=long_ago)
    heard("h1", 200, enabled=False)
    assert refuses(), "an operator may have switched it off"
    heard("h1", 200, enabled=True)
    assert fencing.fence() == 1 and Host.objects.get(name="h1").forced_down and told.read_text() == "h1\n"
    assert fencing.fence() == 0 and evacuations.advance() == 2


def test_a_chain_of_heartbeats(dead: dict[str, Server], settings: Any) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Host.objects.update(heard_since=long_ago)
    hosts.heartbeat(names=["h1"])
    assert Host.objects.get(name="h1").heard_since == long_ago
    Host.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=settings.HOST_DOWN_SECONDS + 1))
    hosts.heartbeat(names=["h1"])
    host = Host.objects.get(name="h1")
    assert host.heard_since > long_ago and host.is_up


def test_a_host_that_is_disabled_while_it_is_fenced(dead: dict[str, Server], settings: Any, monkeypatch: Any) -> None:
    Host.objects.update(heard_since=timezone.now() - timedelta(hours=1))
    Host.objects.filter(name="h1").update(heartbeat_at=timezone.now() - timedelta(hours=1))
    settings.FENCE_COMMAND = "off"

    def run(argv: list[str], timeout_s: float) -> None:
        Host.objects.filter(name="h1").update(enabled=False)

    monkeypatch.setattr(fencing.processes, "run", run)
    assert fencing.fence() == 1 and Host.objects.get(name="h1").forced_down


def test_a_host_that_cannot_be_fenced_keeps_none_waiting(
    dead: dict[str, Server], make_host: Any, settings: Any, tmp_path: Any
) -> None:
    for number, name in enumerate(("h3", "h4"), start=3):
        make_host(name, number)
    Host.objects.filter(name__in=("h1", "h3")).update(heartbeat_at=timezone.now() - timedelta(seconds=200))
    Host.objects.update(heard_since=timezone.now() - timedelta(hours=1))
    settings.FENCE_COMMAND = "test h3 ="
    fencing._tried.clear()
    assert (fencing.fence(), fencing.fence()) == (0, 1)
    assert list(Host.objects.filter(forced_down=True).values_list("name", flat=True)) == ["h3"]


def test_rebalance(dead: dict[str, Server], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No move" in command("rebalance")
    Inventory.objects.update(vcpus=10, vcpus_ratio=1, ram_mib=4096, ram_reserved=0, disk_gib=100)
    Inventory.objects.filter(host__name="h1").update(vcpus_used=4, servers=4)
    Server.objects.filter(name="never").update(vm_state="stopped")
    text = command("rebalance").splitlines()
    assert len(text) == 3 and "from h1 to h2: h1 is 40 % full, then 30 %" in text[0] and "Nothing" in text[2]
    assert "No move" in command("rebalance", "--threshold", "41") and not Migration.objects.exists()
    with monkeypatch.context() as patch:
        patch.setattr(server_hardware, "bound", lambda server: "a TPM")
        stopped = command("rebalance").splitlines()
        assert len(stopped) == 2 and "never (" in stopped[0], "a running one could not be moved"

    def end(seconds: float) -> None:
        Migration.objects.filter(status="queued").update(status="completed")
        for row in Migration.objects.filter(status="pre-migrating"):
            Migration.objects.filter(id=row.id).update(status="error")
            Run.objects.filter(id=row.run_id).update(error_message="No room.")

    monkeypatch.setattr("apps.compute.management.commands.rebalance.time.sleep", end)
    with pytest.raises(CommandError, match="1 of 2 moves failed"):
        command("rebalance", "--do")
    assert sorted(Migration.objects.values_list("type", "destination")) == [("live-migration", "h2"), ("migration", "")]
    assert drains.outcome(migration_id=Migration.objects.get(type="migration").id) == "No room."
