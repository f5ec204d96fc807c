"""Security class 9, for every route: another project's resources are not found and cannot be changed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.isolation import bodies
from tests.isolation.belongings import Belongings, Person, request
from tests.isolation.routes import Call, calls

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
Rows = Callable[[], dict[str, str]]

# Routes with an id whose answer is everybody's: documents about the API, the catalog's regions, published limits.
EVERYBODYS = {
    "compute/v2.1/extensions/<alias>",
    "compute/v2.1/os-quota-sets/<project_id>/defaults",
    "image/v2/schemas/<str:name>",
    "image/v2/schemas/metadefs/<str:name>",
    "network/v2.0/extensions/<str:alias>",
    "volume/v3/group_types/<group_type_id>",
    "identity/v3/regions/<str:region_id>",
    "identity/v3/registered_limits/<str:limit_id>",
}
# Asks for the old password, not for a token, and answers everybody alike: 401. A wrong one is counted.
OLD_PASSWORD = "identity/v3/users/<str:user_id>/password"
IDENTITY_HEADERS = {
    "X-User-Id": "admin",
    "X-User-Name": "admin",
    "X-Project-Id": "b",
    "X-Tenant-Id": "b",
    "X-Roles": "admin,service",
    "X-Role": "admin",
    "X-Is-Admin": "True",
    "X-Is-Admin-Project": "True",
    "X-Identity-Status": "Confirmed",
    "X-Service-Roles": "service",
    "X-System-Scope": "all",
    "OpenStack-System-Scope": "all",
    "X-Remote-User": "admin",
    "Remote-User": "admin",
}


def _changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [table for table in before if before[table] != after[table]]


def _answers(call: Call, values: dict[str, str], send: Callable[..., Any]) -> list[tuple[Any, int]]:
    return [(body, send(call.method, call.path(values), body).status_code) for body in bodies.of(call, values)]


def test_every_parameter_is_known(bobs: Belongings) -> None:
    unknown = {str(call) for call in calls() if set(call.parameters) - set(bobs.of(call.route))}
    assert not unknown, "add what they stand for to tests/isolation/belongings.py"


# What is there for nobody in these tests, or for its owner alone.
NOWHERE = {
    "compute/v2.1/servers/<server_id>/diagnostics": "the server does not run",
    "compute/v2.1/servers/<server_id>/shares/<share_id>": "this cloud has no shares",
    "compute/v2.1/os-console-auth-tokens/<console_token>": "this cloud has no consoles of this kind",
    "compute/v2.1/servers/<server_id>/ips/<network>": "the server has no network",
    "compute/v2.1/servers/<server_id>/os-instance-actions/<request_id>": "nothing was done with it",
    "compute/v2.1/servers/<server_id>/migrations/<migration_id>": "there are none",
    "compute/v2.1/servers/<server_id>/os-interface/<port_id>": "the server has no network",
    "compute/v2.1/servers/<server_id>/os-volume_attachments/<volume_id>": "there are none",
    "compute/v2.1/os-keypairs/<name>": "a user's own",
    "compute/v2.1/extensions/<alias>": "there are none",
    "volume/v3/messages/<message_id>": "there are none",
    "volume/v3/types/<type_id>/encryption/<encryption_id>": "the type has none",
    "volume/v3/default-types/<project_id>": "the project has none",
    "volume/v3/group_types/<group_type_id>/group_specs/<key>": "the type has none",
    "volume/v3/qos-specs/<qos_id>/associate": "changes, though it is a GET",
    "volume/v3/qos-specs/<qos_id>/disassociate": "changes, though it is a GET",
    "volume/v3/qos-specs/<qos_id>/disassociate_all": "changes, though it is a GET",
    "network/v2.0/extensions/<str:alias>": "there are none of this name",
    "network/v2.0/agents/<str:item_id>": "there are no hosts",
    "network/v2.0/auto-allocated-topology/<str:project_id>": "there is no default external network",
    "identity/v3/users/<str:user_id>/access_rules": "a user's own, and the system's",
    "identity/v3/users/<str:user_id>/access_rules/<str:rule_id>": "a user's own, and the system's",
}
NO_HOSTS = (
    "compute/v2.1/os-hypervisors/",
    "compute/v2.1/os-hosts/",
    "volume/v3/os-hosts/",
    "volume/v3/capabilities/",
)


def test_what_strangers_are_asked_about_is_there(bobs: Belongings) -> None:
    """Otherwise a 404 for strangers would prove nothing: calls on domains once had the ID of a project."""
    root, wrong = Person("root", "b", "admin"), []
    for call in calls():
        if call.writes or not call.parameters or call.is_open or call.route in NOWHERE:
            continue
        if call.route.startswith(NO_HOSTS):
            continue
        code = root.call(call.method, call.path(bobs.of(call.route))).status_code
        if code not in (200, 204):
            wrong.append(f"{call}: {code}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_a_stranger_finds_nothing_and_changes_nothing(alice: Person, bobs: Belongings, rows: Rows) -> None:
    before, wrong = rows(), []
    for call in calls():
        if not call.parameters or (call.route in EVERYBODYS and not call.writes) or call.route == OLD_PASSWORD:
            continue
        for body, code in _answers(call, bobs.of(call.route), alice.call):
            if code not in (403, 404):
                wrong.append(f"{call} {body}: {code}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert not _changed(before, rows())


def test_identity_headers_of_a_client_mean_nothing(alice: Person, bobs: Belongings, rows: Rows) -> None:
    """OSSA 2026-001."""
    before, wrong = rows(), []
    for call in calls():
        values = bobs.of(call.route)
        if call.is_open or call.route == OLD_PASSWORD:
            continue
        body = bodies.of(call, values)[0]
        anonymous = request(Client(), call.method, call.path(values), body, IDENTITY_HEADERS).status_code
        if anonymous != 401:
            wrong.append(f"{call} without a token: {anonymous}")
        if not call.parameters or call.route in EVERYBODYS:
            continue
        stranger = alice.call(call.method, call.path(values), body, **IDENTITY_HEADERS).status_code
        if stranger not in (403, 404):
            wrong.append(f"{call} as a stranger: {stranger}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert not _changed(before, rows())


@pytest.mark.parametrize("token", [None, "", "rubbish", "gAAAAA" + "x" * 200, "x" * 5000])
def test_nothing_without_a_good_token(token: str | None, bobs: Belongings, rows: Rows) -> None:
    before, wrong, client = rows(), [], Client()
    headers = {} if token is None else {"X-Auth-Token": token}
    for call in calls():
        if call.is_open or call.route == OLD_PASSWORD:
            continue
        values = bobs.of(call.route)
        answer = request(client, call.method, call.path(values), bodies.of(call, values)[0], headers)
        if answer.status_code != 401 or "WWW-Authenticate" not in answer:
            wrong.append(f"{call}: {answer.status_code}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert not _changed(before, rows())


# A reader's own affairs that no project owns: none of them is a write to anything of the project's.
READERS_OWN: dict[str, str] = {
    "POST /compute/v2.1/os-keypairs": "key pairs are the user's, not the project's",
    "DELETE /compute/v2.1/os-keypairs/<name>": "key pairs are the user's; bob's is not found",
    "POST /identity/v3/credentials": "credentials are the user's, whatever its roles",
}


READS = "os-show_image_metadata"  # the one action that changes nothing


def test_a_readers_write_is_refused(rita: Person, bobs: Belongings, rows: Rows) -> None:
    before, wrong = rows(), []
    for call in calls():
        if not call.writes or call.is_open or str(call) in READERS_OWN or call.route == OLD_PASSWORD:
            continue
        for body, code in _answers(call, bobs.of(call.route), rita.call):
            if code != 403 and not (isinstance(body, dict) and READS in body):
                wrong.append(f"{call} {body}: {code}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert not _changed(before, rows())


def test_anonymous_requests_write_no_row(bobs: Belongings, rows: Rows) -> None:
    """OSSA 2014-040, 2026-009: session rows above all."""
    before, client = rows(), Client(raise_request_exception=False)
    for path in ("/", "/healthz", "/metrics", "/api/schema/", "/admin/", "/sign-in/login/", "/identity/v3/nothing"):
        client.get(path)
    for number in range(50):
        assert client.get(f"/admin/login/?next=/{number}").status_code == 200
        client.post("/admin/login/", {"username": f"nobody{number}", "password": "x"})
        client.get(f"/nothing/{number}")
    # What addresses failed is counted in rows that are there already.
    assert set(_changed(before, rows())) <= {"identity_addressslot"}
    assert before["identity_addressslot"].split(",")[0] == rows()["identity_addressslot"].split(",")[0]
