"""Draining a host: how many of its servers move at once, by which way, and why others stay."""

import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.compute.models import Migration, Server
from apps.compute.services import drains
from apps.scheduling.models import Host
from apps.scheduling.services import hosts
from apps.workflow.models import Run
from tests.api.compute.conftest import ComputeCaller


def drain(*options: str) -> str:
    out = StringIO()
    call_command("drain", "h1", *options, stdout=out)
    return out.getvalue()


def test_a_host_is_emptied(alice: ComputeCaller, no_broker: list[Any], make_server: Any, make_host: Any) -> None:
    make_host("h1", 1)
    make_host("h2", 2)
    states = ("active", "stopped", "paused", "rescued")
    rows = {state: make_server(alice, host="h1", name=state, vm_state=state) for state in states}
    with pytest.raises(CommandError, match="not being drained"):
        drain("--show")
    assert drains.advance() == 0
    text = drain("--reason", "fans")
    assert f"rescued ({rows['rescued'].id}): is rescued: running, paused and stopped servers are moved" in text
    assert "Servers on h1: 4." in text
    host = Host.objects.get(name="h1")
    assert (host.enabled, host.disabled_reason) == (False, "fans")
    assert (drains.advance(), drains.advance()) == (2, 0)  # CELERITY_DRAIN_AT_ONCE
    moves = {row.server.name: row for row in Migration.objects.select_related("server")}
    assert {name: row.type for name, row in moves.items()} == {"active": "live-migration", "stopped": "migration"}
    assert "is being moved" in drain("--show")
    # One arrives, and is confirmed; the other fails, and is not tried again.
    Migration.objects.filter(id=moves["stopped"].id).update(status="finished", destination="h2")
    Server.objects.filter(id=rows["stopped"].id).update(host="h2", vm_state="resized", task_state="", power_state=4)
    Run.objects.filter(id=moves["stopped"].run_id).update(state="succeeded")
    Migration.objects.filter(id=moves["active"].id).update(status="error")
    Server.objects.filter(id=rows["active"].id).update(task_state="")
    Run.objects.filter(id=moves["active"].run_id).update(state="failed", error_message="No valid host was found.")
    drains.advance()
    assert drains.advance() == 0
    assert Migration.objects.get(id=moves["stopped"].id).status == "confirming"
    assert Migration.objects.filter(server=rows["paused"]).exists()
    assert "No valid host was found." in drain("--show")
    Migration.objects.filter(status="queued").update(status="error", run_id=uuid.uuid4())
    Server.objects.update(task_state="")
    Server.objects.filter(host="h1").update(vm_state="rescued")
    with pytest.raises(CommandError, match="Servers that stay on h1"):
        drain("--wait")
    assert "enabled" in drain("--end")
    assert Host.objects.get(name="h1").draining_since is None
    Server.objects.update(host="h2")
    hosts.drain(name="h1", reason="")
    assert "h1 is empty." in drain("--wait")
    with pytest.raises(CommandError, match="h9"):
        call_command("drain", "h9")
