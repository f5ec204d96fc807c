"""The network service over HTTP: writes at a revision, options of DHCP, a project's own quotas."""

from typing import Any

import pytest

from apps.networking.models import Network
from apps.quotas.models import Limit
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal


def test_if_match(alice: Caller, network: Network) -> None:
    for path, noun in ((f"/networks/{network.id}", "network"), (f"/subnets/{network.subnets.get().id}", "subnet")):
        revision = alice.get(path).json()[noun]["revision_number"]

        def put(header: str, path: str = path, noun: str = noun) -> Any:
            return alice.call("put", path, {noun: {"name": "x"}}, HTTP_IF_MATCH=header)

        stale = f"revision_number={revision - 1}"
        assert refusal(put(stale))[:2] == (412, "RevisionNumberConstraintFailed")
        assert refusal(put("W/1"))[0] == 400
        assert alice.get(path).json()[noun]["name"] != "x"
        assert put(f"revision_number={revision}").json()[noun]["revision_number"] == revision + 1
        assert refusal(put(f"revision_number={revision}"))[0] == 412
        assert refusal(alice.call("delete", path, HTTP_IF_MATCH=stale))[0] == 412
        assert alice.get(path).status_code == 200
    assert alice.get("/extensions/revision-if-match").status_code == 200


def test_a_projects_own_quotas(alice: Caller, bob: Caller, admin: Caller, monkeypatch: Any) -> None:
    from apps.identity.selectors import projects

    monkeypatch.setattr(projects, "find", lambda project_id: project_id != "nobody" or None)
    path = f"/quotas/{alice.project_id}"
    usual = alice.get(path).json()["quota"]
    assert refusal(alice.put(path, {"quota": {"port": 5}}))[:2] == (403, "PolicyNotAuthorized")
    assert admin.put(path, {"quota": {"port": 5, "network": "1"}}).json()["quota"] == {**usual, "port": 5, "network": 1}
    assert alice.get(f"{path}/default").json()["quota"] == usual == bob.get(f"/quotas/{bob.project_id}").json()["quota"]
    make(alice, "network")
    assert refusal(alice.post("/networks", {"network": {}}))[:2] == (409, "OverQuota")
    assert alice.get(f"{path}/details").json()["quota"]["network"] == {"limit": 1, "used": 1, "reserved": 0}
    make(bob, "network")
    make(bob, "network")
    (listed,) = admin.get("/quotas").json()["quotas"]
    assert (listed["project_id"], listed["port"]) == (alice.project_id, 5)
    assert refusal(alice.get("/quotas"))[0] == 403
    assert alice.get("/quotas/tenant").json()["tenant"]["tenant_id"] == alice.project_id
    assert refusal(alice.delete(path))[0] == 403
    assert admin.delete(path).status_code == 204 == admin.delete(path).status_code
    assert alice.get(path).json()["quota"] == usual
    make(alice, "network")


@pytest.mark.parametrize(
    "values", [{"port": -2}, {"port": "x"}, {"port": None}, {"port": 2**31}, {"subnetpools": 1}, {"port": [1]}]
)
def test_refused_quotas(alice: Caller, admin: Caller, values: dict[str, Any]) -> None:
    path = f"/quotas/{alice.project_id}"
    assert refusal(admin.put(path, {"quota": values}))[0] == 400
    unknown = refusal(admin.put("/quotas/nobody", {"quota": {"port": 1}}))
    assert unknown == refusal(admin.delete("/quotas/nobody")) and unknown[0] == 404


def test_quotas_that_outlived_their_project(admin: Caller) -> None:
    Limit.objects.create(owner_id="deleted", resource="port", value=5)
    assert admin.delete("/quotas/deleted").status_code == 204
    assert refusal(admin.delete("/quotas/deleted"))[0] == 404
