"""Keystone's default policies, persona by persona: the rules themselves, and what each call answers to whom.

``personas.json`` has for every rule of Keystone which persona it lets act on what, as Keystone's own defaults answer
(2026.2, new defaults enforced). DEVIATIONS says where the two differ, how and why.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from apps.common import policy
from apps.identity import keys, models
from tests import callers
from tests.unit.identity.personas import ELSEWHERE, HOME, PLACES, Persona, personas, target

pytestmark = pytest.mark.django_db
TABLE = json.loads((Path(__file__).parent / "personas.json").read_text())
# Services that Celerity does not have: federation, OAuth 1 and revocation events.
ABSENT = (
    "access_token", "consumer", "identity_provider", "mapping", "protocol", "request_token", "revocation_list",
    "revoke_events", "s3tokens", "service_provider",
)  # fmt: skip
# Rules that go by another name here, or whose list needs none: what a caller may choose is in its own token.
OTHERWISE = {"ec2tokens_validate", "list_domains_for_user", "list_projects_for_user"}
# A reader's own EC2 key opens no more than the reader's roles; who holds delegated power is refused elsewhere.
_READERS = {f"{scope} reader": "self" for scope in ("system", "domain", "project")}
DEVIATIONS = {"ec2_create_credential": _READERS, "ec2_delete_credential": _READERS}


def expected() -> dict[str, dict[str, set[str]]]:
    """Return for each rule which persona may act on what."""
    found = {}
    for group in TABLE:
        for rule in group["rules"]:
            allowed = {persona: set(places.split()) for persona, places in group["allowed"].items()}
            for persona, places in DEVIATIONS.get(rule, {}).items():
                allowed.setdefault(persona, set()).update(places.split())
            found[rule] = allowed
    return found


EXPECTED = expected()
SERVED = sorted(rule for rule in EXPECTED if rule not in OTHERWISE and not any(noun in rule for noun in ABSENT))


def test_every_rule_of_keystone_is_here() -> None:
    ours = {name.removeprefix("identity:") for name in policy.rules() if name.startswith("identity:")}
    assert set(SERVED) <= ours
    assert ours - set(SERVED) == {"ec2_validate_token", "list_credentials:any_user", "list_limits:any_owner"}
    assert len(SERVED) > 150


def test_every_rule_answers_as_keystones() -> None:
    wrong = []
    for rule in SERVED:
        for persona in personas():
            asked = {place: target(persona, place, rule=rule) for place in PLACES}
            context = persona.context()
            allowed = {place for place in PLACES if policy.allowed(context, f"identity:{rule}", asked[place])}
            wanted = EXPECTED[rule].get(str(persona), set())
            if allowed != wanted:
                wrong.append(f"{rule}, {persona}: {sorted(allowed)} and not {sorted(wanted)}")
    assert wrong == []


GRANT = "projects/{project}/users/{user}/roles"
GROUP_GRANT = "domains/{domain}/groups/{group}/roles"
INHERITED = "OS-INHERIT/domains/{domain}/users/{user}/roles"
CALLS = [
    ("get", GRANT, "list_grants"),
    ("head", f"{GRANT}/{{role}}", "check_grant"),
    ("put", f"{GRANT}/{{role}}", "create_grant"),
    ("delete", f"{GRANT}/{{role}}", "revoke_grant"),
    ("get", GROUP_GRANT, "list_grants"),
    ("head", f"{GROUP_GRANT}/{{role}}", "check_grant"),
    ("put", f"{GROUP_GRANT}/{{role}}", "create_grant"),
    ("get", f"{INHERITED}/inherited_to_projects", "list_grants"),
    ("delete", f"{INHERITED}/{{role}}/inherited_to_projects", "revoke_grant"),
    ("get", "system/users/{user}/roles", "list_system_grants_for_user"),
    ("head", "system/groups/{group}/roles/{role}", "check_system_grant_for_group"),
    ("put", "system/users/{user}/roles/{role}", "create_system_grant_for_user"),
    ("get", "users/{user}", "get_user"),
    ("patch", "users/{user}", "update_user"),
    ("delete", "users/{user}", "delete_user"),
    ("get", "users/{user}/groups", "list_groups_for_user"),
    ("get", "users/{user}/projects", "list_user_projects"),
    ("get", "users/{user}/access_rules", "list_access_rules"),
    ("get", "users/{user}/application_credentials", "list_application_credentials"),
    ("get", "users/{user}/credentials/OS-EC2", "ec2_list_credentials"),
    ("post", "users/{user}/credentials/OS-EC2", "ec2_create_credential"),
    ("get", "groups/{group}", "get_group"),
    ("patch", "groups/{group}", "update_group"),
    ("delete", "groups/{group}", "delete_group"),
    ("get", "groups/{group}/users", "list_users_in_group"),
    ("head", "groups/{group}/users/{user}", "check_user_in_group"),
    ("put", "groups/{group}/users/{user}", "add_user_to_group"),
    ("get", "roles", "list_roles"),
    ("get", "roles?domain_id={domain}", "list_domain_roles"),
    ("get", "roles/{role}", "get_role"),
    ("get", "roles/{local_role}", "get_domain_role"),
    ("patch", "roles/{role}", "update_role"),
    ("put", "roles/{local_role}/implies/{role}", "create_implied_role"),
    ("get", "role_inferences", "list_role_inference_rules"),
    ("get", "domains/{domain}", "get_domain"),
    ("patch", "domains/{domain}", "update_domain"),
    ("get", "domains/{domain}/config", "get_domain_config"),
    ("patch", "domains/{domain}/config", "update_domain_config"),
    ("get", "domains/config/default", "get_domain_config_default"),
    ("get", "projects/{project}", "get_project"),
    ("patch", "projects/{project}", "update_project"),
    ("delete", "projects/{project}", "delete_project"),
    ("get", "projects/{project}/tags", "list_project_tags"),
    ("put", "projects/{project}/tags", "update_project_tags"),
    ("get", "role_assignments?include_subtree&scope.project.id={project}", "list_role_assignments_for_tree"),
    ("get", "services", "list_services"),
    ("get", "endpoints", "list_endpoints"),
    ("post", "endpoints", "create_endpoint"),
    ("get", "regions", "list_regions"),
    ("post", "regions", "create_region"),
    ("get", "policies", "list_policies"),
    ("get", "registered_limits", "list_registered_limits"),
    ("get", "OS-EP-FILTER/endpoint_groups", "list_endpoint_groups"),
    ("get", "OS-TRUST/trusts?trustor_user_id={user}", "list_trusts_for_trustor"),
]


class World:
    """Two domains with a project, a user and a group each, beside what belongs to the personas."""

    def __init__(self) -> None:
        self.domains = {name: models.Domain.objects.create(name=name) for name in (HOME, ELSEWHERE)}
        home = self.domains[HOME]
        own = models.Project.objects.create(name="own", domain=home, parent=home)
        for persona in personas():
            models.User.objects.create(id=persona.user_id, name=persona.user_id, domain=home, password="!")
        self.role = models.Role.objects.create(name="member")
        self.places = {place: self._place(place) for place in PLACES}
        self.places["self"]["project"] = own.pk

    def _place(self, place: str) -> dict[str, str]:
        domain = self.domains[ELSEWHERE if place == "elsewhere" else HOME]
        user = models.User.objects.create(name=place, domain=domain, password="!")
        return {
            "domain": domain.pk,
            "project": models.Project.objects.create(name=place, domain=domain, parent=domain).pk,
            "user": user.pk,
            "group": models.Group.objects.create(name=place, domain=domain).pk,
            "role": self.role.pk,
            "local_role": models.Role.objects.create(name=place, domain=domain).pk,
        }

    def ids(self, persona: Persona, place: str) -> dict[str, str]:
        return {**self.places[place], **({"user": persona.user_id} if place == "self" else {})}

    def client(self, persona: Persona) -> APIClient:
        context = persona.context(domain_id=self.domains[HOME].pk, project_id=self.places["self"]["project"])
        client = callers.client()
        client.force_authenticate(user=object(), token=context)  # type: ignore[arg-type]
        return client


@pytest.fixture
def world(db: None, settings: Any) -> World:
    keys.setup(settings.CREDENTIAL_KEY_DIR)
    return World()


def _body(path: str, ids: dict[str, str]) -> Any:
    """Return a body that parses; its effect is not checked."""
    bodies = {
        "OS-EC2": {"tenant_id": ids["project"]},
        "config": {"config": {"identity": {"list_limit": 1}}},
        "tags": {"tags": ["a"]},
        "endpoints": {"endpoint": {"service_id": "none", "interface": "public", "url": "http://x"}},
        "regions": {"region": {"description": "d"}},
    }
    own = next((body for part, body in bodies.items() if part in path), None)
    return own or {path.split("/")[0].removesuffix("s"): {"description": "d"}}


def _answers(world: World, method: str, path: str) -> Iterator[tuple[Persona, str, int]]:
    for persona in personas():
        client = world.client(persona)
        for place in ("self", "elsewhere"):  # what lies between, the rules' own test looks at
            ids = world.ids(persona, place)
            body = {} if method in ("get", "head", "delete") else {"data": _body(path, ids), "format": "json"}
            with transaction.atomic():
                answer = getattr(client, method)(f"/identity/v3/{path.format(**ids)}", **body)
                transaction.set_rollback(True)
            yield persona, place, answer.status_code


def test_calls_refuse_whom_keystone_refuses(world: World) -> None:
    wrong = []
    for method, path, rule in CALLS:
        for persona, place, code in _answers(world, method, path):
            allowed = place in EXPECTED[rule].get(str(persona), set())
            if code in (401, 405) or code >= 500 or (code == 403) == allowed:
                wrong.append(f"{method} {path} by {persona} on {place}: {code}")
    assert wrong == []


LISTS = ("users", "groups", "projects", "domains", "groups/{group}/users", "users/{user}/groups")


@pytest.mark.parametrize("path", LISTS)
def test_a_token_for_a_domain_lists_that_domain_alone(world: World, path: str) -> None:
    """Keystone answers 200 with what is within, an administrator of a domain included; others see all or nothing."""
    group = models.Group.objects.get(pk=world.places["elsewhere"]["group"])
    near = models.Group.objects.get(pk=world.places["domain"]["group"])
    for one in models.User.objects.filter(name__in=("domain", "elsewhere")):
        for joined in (group, near):
            models.GroupMembership.objects.create(group=joined, user=one)
    noun, home = path.split("/")[-1], world.domains[HOME].pk
    for scope, role in (("domain", "reader"), ("domain", "admin"), ("system", "reader"), ("project", "admin")):
        client = world.client(Persona(scope, role))
        queries = ["", f"?domain_id={world.domains[ELSEWHERE].pk}"] if "/" not in path and noun != "domains" else [""]
        for query in queries:
            answer = client.get(f"/identity/v3/{path.format(**world.places['domain'])}{query}")
            assert answer.status_code == 200, (scope, role, query)
            seen = {row.get("domain_id", row["id"]) for row in answer.json()[noun]}
            if scope == "domain":
                assert seen == (set() if query else {home}), (role, query)
            else:
                assert world.domains[ELSEWHERE].pk in seen, (scope, role, query)
    reader = world.client(Persona("project", "reader"))
    if "/" not in path:
        assert reader.get(f"/identity/v3/{path}").status_code == 403
