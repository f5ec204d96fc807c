"""Locks with a reason: who may set and undo them, and who sees which."""

import pytest

from apps.compute.models import Server
from tests.api.compute.conftest import ComputeCaller

pytestmark = pytest.mark.usefixtures("no_broker")


@pytest.mark.parametrize(("version", "reason"), [("2.72", None), ("2.73", "why")])
def test_the_reason_belongs_to_2_73(alice: ComputeCaller, server: Server, version: str, reason: str | None) -> None:
    path = f"/servers/{server.id}"
    lock = alice.at(version).post(f"{path}/action", {"lock": {"locked_reason": "why"}})
    assert lock.status_code == 202, lock.json()
    shown = alice.at("2.73").get(path).json()["server"]
    assert (shown["locked"], shown["locked_reason"]) == (True, reason)
    strange = alice.at(version).post(f"{path}/action", {"lock": {"strange": "why"}})
    assert strange.status_code == (202 if version == "2.72" else 400)
    assert alice.at(version).post(f"{path}/action", {"unlock": None}).status_code == 202
    shown = alice.at("2.73").get(path).json()["server"]
    assert (shown["locked"], shown["locked_reason"]) == (False, None)


def test_lists_by_lock(alice: ComputeCaller, server: Server) -> None:
    for version, asked, names in (
        ("2.73", "true", []), ("2.73", "0", ["s"]), ("2.72", "true", ["s"]),
    ):  # fmt: skip
        rows = alice.at(version).get(f"/servers?locked={asked}").json()["servers"]
        assert [row["name"] for row in rows] == names, (version, asked)
    assert alice.at("2.73").get("/servers?locked=perhaps").status_code == 400
    Server.objects.update(locked=True)
    assert len(alice.at("2.73").get("/servers?locked=1").json()["servers"]) == 1


def test_an_owner_does_not_undo_an_administrators_lock(
    alice: ComputeCaller, admin: ComputeCaller, server: Server
) -> None:
    path = f"/servers/{server.id}/action"
    assert admin.at("2.73").post(path, {"lock": {"locked_reason": "abuse"}}).status_code == 202
    assert alice.at("2.73").post(path, {"lock": {"locked_reason": "mine"}}).status_code == 202
    server.refresh_from_db()
    assert (server.locked_by, server.locked_reason) == ("admin", "abuse")
    assert alice.post(path, {"unlock": None}).status_code == 403
    assert admin.post(path, {"unlock": None}).status_code == 202
    assert alice.post(path, {"lock": None}).status_code == 202
    assert alice.post(path, {"os-stop": None}).status_code == 409
    assert alice.post(path, {"unlock": None}).status_code == 202
    assert not Server.objects.get().locked
