"""Every answer is as /api/schema/ describes it: its code, its media type, its document; and no invalid body is taken.

`make test` sends the same few requests to every operation each time. The long run (`heavy`) sends
SCHEMA_EXAMPLES=25 of each kind, of a SCHEMA_SEED that it prints.
"""

import os
import random
import re
from typing import Any

import pytest
from django.test import Client

from apps.scheduling.models import Host
from tests.isolation import bodies
from tests.isolation.belongings import PROXIED, Belongings, Person
from tests.isolation.routes import Call, calls
from tests.schema import harness

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SERVICES = ["compute", "identity", "image", "network", "volume"]
SHORT = {
    "admin": harness.Effort(valid=2, invalid=3, unknown=0),
    "member": harness.Effort(valid=1, invalid=0, unknown=1),
}
# Compute's calls that newer microversions do not have.
GONE_SINCE = re.compile(rf"{PROXIED.pattern}|/compute/v2\.1/os-hypervisors/(statistics|.*/(search|servers|uptime))")
HOST = "host-1"
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@pytest.fixture(scope="module")
def document(cloud: None) -> Any:
    return Client().get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()


def _values(belongings: Belongings, call: Call) -> dict[str, str]:
    """Return what the parameters of a route and the names in its body stand for."""
    values = belongings.of(call.route)
    host = Host.objects.get(name=HOST)
    if "os-hosts" in call.route:
        values["name"] = HOST
    elif "os-hypervisors" in call.route or "os-services" in call.route:
        values["key"] = str(host.id) if call.route.count("/") == 3 else HOST
    groups = values["security_group_id"]
    more = {"imageRef": values["image_id"], "flavorRef": values["flavor_id"], "tenant": values["project_id"]}
    return {**values, **more, "remote_group_id": groups, "parent_group_id": groups}


SILENT = {"os-set_bootable", "os-unset_image_metadata"}  # actions whose 200 has no body, beside others that have one


def _is_silent(body: Any) -> bool:
    return isinstance(body, dict) and bool(SILENT & body.keys())


def _headers(path: str, person: Person) -> dict[str, str]:
    version = "2.35" if GONE_SINCE.match(path) else "2.102"
    asked = "volume 3.71" if path.startswith("/volume/") else f"compute {version}"
    headers = {"OpenStack-API-Version": asked, "X-Auth-Token": person.token}
    return {**headers, "X-Subject-Token": person.token} if path.endswith("/auth/tokens") else headers


def _exercise(
    sender: harness.Sender, operation: Any, document: Any, values: dict[str, str], call: Call, effort: harness.Effort
) -> None:
    """Send the examples, the valid bodies of the isolation tests, and generated requests."""
    path = {name: values[name] for name in re.findall(r"{(\w+)}", operation.path)}
    ids = {name: value for name, value in values.items() if name.endswith(("_id", "Ref")) or name == "tenant"}
    good = [harness.with_ids(body, ids) for body in bodies.of(call, values) if not _is_silent(body)]
    for case in [*harness.examples_of(operation, document, path, ids), *harness.with_bodies(operation, good, path)]:
        sender.send(case)
    harness.exercise(sender, operation, path=path, ids=ids, effort=effort)


def _differences(document: Any, person: Person, belongings: Belongings, service: str, effort: harness.Effort) -> str:
    """Exercise a service's operations, and return a report of what differs from the description."""
    routes = {f"{call.method} /" + _PARAMETER.sub(r"{\1}", call.route): call for call in calls()}
    sender = harness.Sender({})
    for operation in harness.load(document, harness.Application()):
        if operation.path.split("/")[1] == service:
            call = routes[f"{operation.method.lower()} {operation.path}"]
            sender.headers = _headers(operation.path, person)
            _exercise(sender, operation, document, _values(belongings, call), call, effort)
    assert sender.sent
    print(f"{service}: {sender.sent} requests")
    return "\n".join(str(difference) for difference in sender.differences.values())


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("who", ["admin", pytest.param("member", marks=pytest.mark.heavy)])
def test_answers_are_as_described(
    who: str, service: str, document: Any, people: dict[str, Person], belongings: Belongings
) -> None:
    differences = _differences(document, people[who], belongings, service, SHORT[who])
    assert not differences, "\n" + differences


@pytest.mark.heavy
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("who", ["admin", "member"])
def test_many_answers_are_as_described(
    who: str, service: str, document: Any, people: dict[str, Person], belongings: Belongings
) -> None:
    examples = int(os.environ.get("SCHEMA_EXAMPLES", "25"))
    seed = int(os.environ.get("SCHEMA_SEED") or random.SystemRandom().randrange(2**32))
    print(f"SCHEMA_SEED={seed}")
    effort = harness.Effort(valid=examples, invalid=examples, unknown=examples // 5, seed=seed)
    differences = _differences(document, people[who], belongings, service, effort)
    assert not differences, f"SCHEMA_SEED={seed}\n{differences}"
