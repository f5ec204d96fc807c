"""A server's row keeps a secret no longer than the work that it is for."""

import uuid

import pytest

from apps.compute.models import Server
from apps.compute.services import server_states

pytestmark = pytest.mark.django_db


def new_server(**values: object) -> Server:
    return Server.objects.create(
        project_id="p", user_id="u", name="s", hostname="s", reservation_id=f"r-{uuid.uuid4().hex[:8]}",
        flavor={"vcpus": 1, "ram": 128, "disk": 1, "ephemeral": 0, "swap": 0}, vm_state="active", **values,
    )  # fmt: skip


def test_a_password_goes_with_its_orphaned_task() -> None:
    server = new_server(task_state="updating_password", admin_password="sealed")
    assert server_states.end_orphaned_task(server_id=server.id, message="Lost.") == ("active", "updating_password")
    server.refresh_from_db()
    assert (server.task_state, server.admin_password) == ("", "")


def test_a_deleted_server_keeps_nothing_of_a_rebuild_or_a_rescue() -> None:
    server = new_server(rebuild={"user_data": "c2VjcmV0", "admin_password": "sealed"}, rescue={"image_id": "x"})
    server_states.mark_deleted(server_id=server.id)
    server.refresh_from_db()
    assert (server.vm_state, server.rebuild, server.rescue) == ("deleted", None, None)
