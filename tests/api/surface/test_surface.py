"""Every call of OpenStack's clients is routed or listed as missing in README."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import Resolver404, resolve

from apps.common.api.not_offered import NotOfferedView
from apps.compute import actions
from apps.images.api.routes_not_offered import NOT_OFFERED as OF_GLANCE
from apps.networking.api.routes_not_offered import NOT_OFFERED as OF_NEUTRON
from apps.volumes.api.routes_not_offered import NOT_OFFERED as OF_CINDER
from tests.api.compute.conftest import ComputeCaller, _caller
from tests.callers import Caller

HERE = Path(__file__).parent
README = (HERE.parents[2] / "README.md").read_text()
PREFIX = {"compute": "/compute/v2.1", "image": "/image", "network": "/network", "volume": "/volume/v3"}
JSON = {"Accept": "application/json"}
ID = "11111111-1111-1111-1111-111111111111"

# What README names as missing -> the calls that are missing with it.
MISSING = {
    "bare metal nodes": ["compute .*/os-baremetal-nodes"],
    "guest agent builds": ["compute .*/os-agents"],
    "root certificates": ["compute .*/os-certificates"],
    "default rules of security groups": ["compute .*/os-security-group-default-rules"],
    "remote consoles": ["compute .*#os-getVNCConsole"],
    "resets of servers' networks": ["compute .*#resetNetwork"],
    "replication of back ends": ["volume .*/os-services/(failover_host|freeze|thaw)"],
    "image import": ["image .*/v2/images/.*/(import|stage|locations)", "image .*/v2/tasks"],
    "the image cache": ["image .*/v2/cache"],
    "several image stores": ["image .*/v2/stores/"],
    "guaranteed bandwidth and packet rates": ["network .*/minimum_(bandwidth|packet_rate)_rules"],
    "metering": ["network .*/metering/"],
    "packet logging": ["network .*/log/"],
    "agents that networks are scheduled to": [
        "network .*/agents/.*/(dhcp-networks|l3-routers)",
        "network .*/(dhcp-agents|l3-agents)",
    ],
}
# Neither here nor planned: whole services, of which nobody routes a call.
NOT_PLANNED = (
    "load balancers",
    "DNS as a service",
    "object storage",
    "orchestration",
    "Manila",
    "Barbican",
)


def listed(name: str) -> list[str]:
    return [line for line in (HERE / name).read_text().splitlines() if line and line[0] != "#"]


def calls() -> list[str]:
    return [" ".join(line.split()) for line in listed("calls.txt")]


def view_of(path: str) -> Any:
    try:
        func = resolve(path.rstrip("/")).func
    except Resolver404:
        return None
    return getattr(func, "cls", None) or getattr(func, "view_class", None) or func


def is_served(call: str) -> bool:
    service, method, path = call.split()
    path, _, action = path.partition("#")
    path = re.sub(r"/\{version(_url)?\}", {"network": "/v2.0"}.get(service, ""), path)
    view = view_of(PREFIX[service] + re.sub(r"\{[^}]*\}", ID, path))
    if view is None or (isinstance(view, type) and issubclass(view, NotOfferedView)):
        return False
    if action and service == "compute" and re.fullmatch(r"/servers/[^/]*/action", path) and action != "{action_name}":
        return action in actions.of_api()
    if action and service == "volume":
        return action in view.ACTIONS
    return not isinstance(view, type) or hasattr(view, method.lower())


def section() -> str:
    text = README.partition("## What it does not do yet")[2].partition("\n## ")[0]
    return " ".join(text.split()).lower()


def missing_as_readme_says(call: str) -> list[str]:
    return [feature for feature, patterns in MISSING.items() if any(re.match(one, call) for one in patterns)]


def test_every_call_is_served_or_named_as_missing() -> None:
    wrong = []
    for call in calls():
        served, features = is_served(call), missing_as_readme_says(call)
        if served and features:
            wrong.append(f"{call}: served, and README says that {features} are missing")
        if not served and not features:
            wrong.append(f"{call}: neither served nor named in README")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("feature", [*MISSING, *NOT_PLANNED])
def test_readme_names_it(feature: str) -> None:
    assert feature.lower() in section()


@pytest.mark.parametrize("feature", MISSING)
def test_what_is_named_as_missing_is(feature: str) -> None:
    """An implemented feature is removed from the list."""
    assert any(feature in missing_as_readme_says(call) for call in calls())


def nova_routes() -> Iterator[tuple[str, str]]:
    for line in listed("nova_routes.txt"):
        path, *methods = line.split()
        for method in methods:
            yield method.lower(), f"/{path}"


@pytest.fixture
def caller(db: None) -> ComputeCaller:
    return _caller(admin=True)


def test_every_route_of_nova_is_known(caller: ComputeCaller) -> None:
    """No answer says that the route or the method does not exist."""
    unknown = []
    for version in ("2.35", "2.104"):
        for method, path in nova_routes():
            answer = caller.at(version).call(method, re.sub(r"\{[^}]*\}", ID, path), {} if method != "get" else None)
            message = str(answer.json() if answer.content else "")
            if answer.status_code in (405, 500) or "The resource could not be found" in message:
                unknown.append(f"{version} {method} {path}: {answer.status_code} {message}")
    assert not unknown, "\n".join(unknown)


def test_what_is_not_offered_says_so(caller: ComputeCaller) -> None:
    assert "node-create" in caller.post("/os-baremetal-nodes", {}).json()["badRequest"]["message"]
    assert "port-delete" in caller.post("/os-baremetal-nodes/1/action", {"remove_interface": {}}).text
    answer = caller.get("/os-baremetal-nodes")
    assert answer.status_code == 404
    assert answer.json()["itemNotFound"]["message"].startswith("This cloud does not offer bare metal nodes")
    assert caller.get("/os-cells").status_code == 410
    assert "2.36" in caller.at("2.36").get("/os-volumes").json()["itemNotFound"]["message"]


MESSAGES = {
    "network": lambda body: body["NeutronError"]["message"],
    "image": lambda body: body["message"],
    "volume": lambda body: body["itemNotFound"]["message"],
}
FEATURES = {
    **{f"network /v2.0/{path}": what for path, what in OF_NEUTRON.items()},
    **{f"image /v2/{path}": what for path, what in OF_GLANCE.items()},
    **{f"volume /{path}": what for path, what in OF_CINDER.items()},
}
REFUSED_AFTER_THE_BODY = re.compile(r".*(#|/os-services/)")  # 400 comes first; tests/api/volumes has them


@pytest.mark.django_db
@pytest.mark.parametrize("service", MESSAGES)
def test_other_services_say_so_too(service: str) -> None:
    """They say so for every missing call and for every path of a missing feature."""
    missing = [call for call in calls() if call.startswith(f"{service} ") and not is_served(call)]
    asked = [call.split() for call in missing if service != "volume" or not REFUSED_AFTER_THE_BODY.match(call)]
    asked += [[service, "GET", place.split()[1]] for place in FEATURES if place.startswith(f"{service} ")]
    assert len(asked) > 3
    wrong = []
    for _, method, path in asked:
        url = re.sub(r"[{<][^}>]*[}>]", ID, path)
        answer = Caller(PREFIX[service]).call(method.lower(), url, {} if method != "GET" else None, headers=JSON)
        message = MESSAGES[service](answer.json())
        if answer.status_code != 404 or not message.startswith("This cloud does not offer "):
            wrong.append(f"{method} {path}: {answer.status_code} {message}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("feature", sorted(set(FEATURES.values())))
def test_readme_names_what_other_services_do_not_offer(feature: str) -> None:
    assert feature.lower() in section()


def test_every_action_of_nova_is_known(caller: ComputeCaller) -> None:
    from apps.compute.models import Server

    server = Server.objects.create(
        project_id=caller.project_id, name="s", hostname="s", vm_state="active", reservation_id="r",
        flavor={"id": "x", "original_name": "x", "vcpus": 1, "ram": 64, "disk": 0, "ephemeral": 0, "swap": 0},
    )  # fmt: skip
    names = listed("nova_actions.txt")
    offered = set(actions.of_api())
    assert offered | set(actions.NOT_OFFERED) | set(actions.REMOVED) == set(names)
    assert not offered & set(actions.NOT_OFFERED)
    for name in sorted(set(names) - offered):
        answer = caller.post(f"/servers/{server.id}/action", {name: {}})
        message = str(answer.json())
        assert answer.status_code in (400, 410), name
        assert "does not offer" in message or "OpenStack has removed" in message, message
    assert "no such action" in str(caller.post(f"/servers/{server.id}/action", {"dance": {}}).json())
