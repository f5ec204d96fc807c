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

from tests.isolation.belongings import Belongings, Person
from tests.isolation.routes import calls
from tests.schema import harness

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SERVICES = ["compute", "identity", "image", "network"]
SHORT = {
    "admin": harness.Effort(valid=2, invalid=3, unknown=0),
    "member": harness.Effort(valid=1, invalid=0, unknown=1),
}
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@pytest.fixture(scope="module")
def document(cloud: None) -> Any:
    return Client().get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()


def _ids(belongings: Belongings, project: str) -> dict[str, str]:
    """Return what names in bodies stand for."""
    values = belongings.values
    items = belongings.items
    return {
        **{name: value for name, value in values.items() if name.endswith("_id")},
        "imageRef": values["image_id"],
        "flavorRef": values["flavor_id"],
        "network_id": items["networks"],
        "security_group_id": items["security-groups"],
        "remote_group_id": items["security-groups"],
        "parent_group_id": items["security-groups"],
        "project_id": project,
        "tenant_id": project,
    }


def _differences(document: Any, person: Person, belongings: Belongings, service: str, effort: harness.Effort) -> str:
    """Exercise a service's operations, and return a report of what differs from the description."""
    routes = {"/" + _PARAMETER.sub(r"{\1}", call.route): call.route for call in calls()}
    headers = {"OpenStack-API-Version": "compute 2.96", "X-Auth-Token": person.token}
    sender = harness.Sender(headers)
    for operation in harness.load(document, harness.Application()):
        if operation.path.split("/")[1] != service:
            continue
        values = belongings.of(routes[operation.path])
        path = {name: values[name] for name in re.findall(r"{(\w+)}", operation.path)}
        ids = _ids(belongings, person.project.pk)
        for case in harness.examples_of(operation, document, path):
            sender.send(case)
        harness.exercise(sender, operation, path=path, ids=ids, effort=effort)
    assert sender.sent
    print(f"{service}: {sender.sent} requests")
    return "\n".join(str(difference) for difference in sender.differences.values())


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("who", ["admin", "member"])
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
