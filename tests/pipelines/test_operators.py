"""Operators retry failed builds and cancel running ones, without residue."""

from typing import Any

import pytest

from tests.cloud import Cloud, wait_for

pytestmark = pytest.mark.processes

CODE = """
import uuid
from apps.common.context import RequestContext
from apps.common.exceptions import CloudError
from apps.compute.actions import ACTIONS
from apps.compute.models import Server
from apps.compute.services import server_actions
admin = RequestContext(user_id='admin', roles=('admin',), is_admin=True)
try:
    print('did', {call})
except CloudError as error:
    print(error.code, error.message)
"""


def order(cloud: Cloud, what: str, key: str) -> str:
    """Call the service as the admin's page does; return what it says."""
    call = f"server_actions.perform(context=admin, server=Server(id='{key}'), action=ACTIONS['{what}'])"
    return cloud.manage("shell", "-v", "0", "-c", CODE.format(call=call)).strip().splitlines()[-1]


def states(cloud: Cloud, key: str) -> list[tuple[Any, ...]]:
    return cloud.rows("SELECT action, state FROM workflow_run WHERE subject_id = %s ORDER BY created_at", key)


def running(cloud: Cloud, key: str, step: str) -> None:
    wanted = "SELECT 1 FROM workflow_run WHERE subject_id = %s AND next_step = %s AND step_state = 'running'"
    wait_for(lambda: cloud.rows(wanted, key, step), what=f"a running {step}")


def test_a_failed_build_is_built_again(cloud: Cloud) -> None:
    cloud.plan({"op": "spawn", "error": "abort", "times": 1, "message": "Out of luck.", "id": "retry"})
    key = cloud.create()
    assert cloud.settled(key)["fault"]["message"].startswith("Out of luck.")
    used = cloud.rows("SELECT resource, in_use, reserved FROM quotas_usage ORDER BY owner_id, resource")
    cloud.plan()
    assert order(cloud, "retry", key) == "did None"
    server = cloud.settled(key)
    assert server["status"] == "ACTIVE" and "fault" not in server
    assert states(cloud, key) == [("create", "failed"), ("retry", "succeeded")]
    assert cloud.rows("SELECT resource, in_use, reserved FROM quotas_usage ORDER BY owner_id, resource") == used
    cloud.assert_clean()


def test_only_a_failed_build_is_built_again(cloud: Cloud) -> None:
    key = cloud.create()
    cloud.settled(key)
    assert order(cloud, "retry", key).startswith("409 Cannot 'retry' instance")
    assert cloud.call(
        "POST", f"/compute/v2.1/servers/{key}/action", {"os-resetState": {"state": "error"}}, admin=True
    ).status_code == 202  # fmt: skip
    assert "it was already built once" in order(cloud, "retry", key)
    assert "no action is running" in order(cloud, "cancel", key)
    assert states(cloud, key) == [("create", "succeeded"), ("resetState", "succeeded")]


def test_a_build_is_cancelled(cloud: Cloud) -> None:
    """The running step ends, then its changes are undone, and the server may be built again."""
    cloud.plan({"op": "spawn", "error": "hang", "times": 1, "when": "after", "id": "cancel-build"})
    key = cloud.create()
    running(cloud, key, "spawn")
    assert order(cloud, "cancel", key) == "did create"
    cloud.plan()
    server = cloud.settled(key)
    assert server["status"] == "ERROR"
    assert server["fault"]["message"].startswith("The build was cancelled by an operator. Ask your operator why")
    assert states(cloud, key) == [("create", "cancelled")]
    cloud.assert_clean()
    assert order(cloud, "retry", key) == "did None"
    assert cloud.settled(key)["status"] == "ACTIVE"


def test_a_build_that_hangs_is_cancelled(cloud: Cloud) -> None:
    """The step never returns: its lock is taken away, the rows are undone, recovery clears the host."""
    cloud.plan({"op": "spawn", "error": "hang", "times": 1, "id": "cancel-hang"})
    key = cloud.create()
    running(cloud, key, "spawn")
    assert order(cloud, "cancel", key) == "did create"
    assert cloud.settled(key)["status"] == "ERROR"
    assert states(cloud, key) == [("create", "cancelled")]
    cloud.kill("agent")  # the hung thread


def test_a_build_that_waits_for_its_host_is_cancelled(cloud: Cloud) -> None:
    cloud.plan({"op": "spawn", "error": "hang", "times": 1, "id": "cancel-down"})
    key = cloud.create()
    running(cloud, key, "spawn")
    cloud.kill("agent", restart=False)
    assert order(cloud, "cancel", key) == "did create"
    assert cloud.settled(key)["status"] == "ERROR"
    cloud.plan()
    cloud.start("agent")


def test_a_power_action_is_cancelled(cloud: Cloud) -> None:
    """The server then has the state that its host reports."""
    key = cloud.create()
    cloud.settled(key)
    cloud.plan({"op": "stop", "error": "hang", "times": 1, "id": "cancel-stop"})
    assert cloud.call("POST", f"/compute/v2.1/servers/{key}/action", {"os-stop": None}).status_code == 202
    running(cloud, key, "power_off")
    assert order(cloud, "cancel", key) == "did stop"
    assert cloud.settled(key)["status"] == "ACTIVE"
    assert states(cloud, key)[-1] == ("stop", "cancelled")
    cloud.kill("agent")


def test_a_delete_is_not_cancelled(cloud: Cloud) -> None:
    key = cloud.create()
    cloud.settled(key)
    cloud.plan({"op": "destroy", "error": "hang", "times": 1, "id": "delete"})
    assert cloud.call("DELETE", f"/compute/v2.1/servers/{key}").status_code == 204
    assert "a delete cannot be cancelled" in order(cloud, "cancel", key)
    cloud.plan()
    wait_for(lambda: cloud.server(key) is None, what="the server gone")
