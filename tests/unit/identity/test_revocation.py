"""Security class 7 as a matrix: a token ends with the grant that it depends on, for every kind of both.

All through the API; each revoked token is tried on every path that checks tokens.
"""

from collections.abc import Callable
from typing import Any

import pytest

from apps.identity.models import Group, GroupMembership, Project, Role, RoleAssignment, User
from tests.unit.identity.dialogue import PASSWORD, Api, password_body, token_body

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


class World:
    """Bob, who holds the role reader in exactly one way, and his tokens."""

    def __init__(self, root: Api) -> None:
        self.root = root
        self.bob = User(name="bob", domain_id="default")
        self.bob.set_password(PASSWORD)
        self.bob.save()
        self.eve = User(name="eve", domain_id="default")
        self.eve.set_password(PASSWORD)
        self.eve.save()
        self.group = Group.objects.create(name="g", domain_id="default")
        GroupMembership.objects.create(group=self.group, user=self.bob)
        self.top = Project.objects.create(name="top", domain_id="default", parent_id="default")
        self.low = Project.objects.create(name="low", domain_id="default", parent=self.top)
        self.role = Role.objects.create(name="looker")
        # The role implies what the default rules ask of readers and members.
        for name in ("reader", "member"):
            self.role.implications.create(implied=Role.objects.get(name=name, domain=None))

    def ids(self, text: str) -> str:
        return text.format(
            bob=self.bob.pk, group=self.group.pk, top=self.top.pk, low=self.low.pk, role=self.role.pk, domain="default"
        )

    def ask(self, method: str, path: str, body: Any = None) -> None:
        answer = self.root.call(method, self.ids(path), body)
        assert answer.status_code in (200, 201, 204), answer.content


LOW, SYSTEM, DOMAIN = {"project": {"id": "{low}"}}, {"system": {"all": True}}, {"domain": {"id": "default"}}
ROLE = "/roles/{role}"
INHERITED = f"{ROLE}/inherited_to_projects"
# How the role is held: the path of the grant, and the scope that it opens.
HELD: dict[str, tuple[str, Any]] = {
    "user on project": ("/v3/projects/{low}/users/{bob}" + ROLE, LOW),
    "group on project": ("/v3/projects/{low}/groups/{group}" + ROLE, LOW),
    "user, inherited from a project": ("/v3/OS-INHERIT/projects/{top}/users/{bob}" + INHERITED, LOW),
    "group, inherited from a project": ("/v3/OS-INHERIT/projects/{top}/groups/{group}" + INHERITED, LOW),
    "user, inherited from a domain": ("/v3/OS-INHERIT/domains/{domain}/users/{bob}" + INHERITED, LOW),
    "group, inherited from a domain": ("/v3/OS-INHERIT/domains/{domain}/groups/{group}" + INHERITED, LOW),
    "user on domain": ("/v3/domains/{domain}/users/{bob}" + ROLE, DOMAIN),
    "group on domain": ("/v3/domains/{domain}/groups/{group}" + ROLE, DOMAIN),
    "user on system": ("/v3/system/users/{bob}" + ROLE, SYSTEM),
    "group on system": ("/v3/system/groups/{group}" + ROLE, SYSTEM),
}


def _disabled(path: str, noun: str, *, again: bool = False) -> Callable[[World, str], None]:
    def end(world: World, _: str) -> None:
        world.ask("patch", path, {noun: {"enabled": False}})
        if again:
            world.ask("patch", path, {noun: {"enabled": True}})

    return end


def _asked(method: str, path: str, body: Any = None) -> Callable[[World, str], None]:
    return lambda world, _: world.ask(method, path, body)


USER, PROJECT = "/v3/users/{bob}", "/v3/projects/{low}"
NEW = {"user": {"password": "another one"}}
ENDS: dict[str, Callable[[World, str], None]] = {
    "grant taken away": lambda world, grant: world.ask("delete", grant),
    "role deleted": _asked("delete", "/v3" + ROLE),
    "password set by an administrator": _asked("patch", USER, NEW),
    "password changed": _asked("post", USER + "/password", {"user": {**NEW["user"], "original_password": PASSWORD}}),
    "user disabled": _disabled(USER, "user"),
    "user disabled and enabled": _disabled(USER, "user", again=True),
    "user deleted": _asked("delete", USER),
    "domain disabled": _disabled("/v3/domains/{domain}", "domain"),
    "out of the group": _asked("delete", "/v3/groups/{group}/users/{bob}"),
    "group deleted": _asked("delete", "/v3/groups/{group}"),
    "project disabled": _disabled(PROJECT, "project"),
    "project disabled and enabled": _disabled(PROJECT, "project", again=True),
    "project deleted": _asked("delete", PROJECT),
    "v2.0: user disabled": _asked("put", "/v2.0/users/{bob}/enabled", {"user": {"enabled": False}}),
    "v2.0: tenant deleted": _asked("delete", "/v2.0/tenants/{low}"),
}
CASES = [
    (held, ending)
    for held in HELD
    for ending in ENDS
    if ("group" in held or "group" not in ending)
    and (HELD[held][1] is LOW or ("project" not in ending and "tenant" not in ending))
]


def _sign_in(body: dict[str, Any]) -> str:
    answer = Api().sign_in(body)
    assert answer.status_code == 201, answer.content
    return str(answer["X-Subject-Token"])


def _credential(world: World, text: str) -> str:
    bob = Api()
    bob.token = text
    made = bob.call(
        "post", f"/v3/users/{world.bob.pk}/application_credentials", {"application_credential": {"name": "c"}}
    )
    assert made.status_code == 201, made.content
    given = made.json()["application_credential"]
    method = {"id": given["id"], "secret": given["secret"]}
    return _sign_in({"auth": {"identity": {"methods": ["application_credential"], "application_credential": method}}})


def _trust(world: World, text: str, *, impersonation: bool) -> str:
    bob = Api()
    bob.token = text
    trust = {"trustor_user_id": world.bob.pk, "trustee_user_id": world.eve.pk, "project_id": world.low.pk,
             "impersonation": impersonation, "roles": [{"id": world.role.pk}]}  # fmt: skip
    made = bob.call("post", "/v3/OS-TRUST/trusts", {"trust": trust})
    assert made.status_code == 201, made.content
    scope = {"OS-TRUST:trust": {"id": made.json()["trust"]["id"]}}
    return _sign_in(password_body("eve", scope=scope))


def tokens_of(world: World, scope: Any) -> dict[str, str]:
    """Return Bob's tokens by their origin; delegated ones are for projects only."""
    filled = {"project": {"id": world.low.pk}} if scope is LOW else scope
    found = {"password": _sign_in(password_body("bob", scope=filled))}
    found["rescoped"] = _sign_in(token_body(found["password"], filled))
    found["rescoped twice"] = _sign_in(token_body(found["rescoped"], filled))
    if scope is LOW:
        found["trust"] = _trust(world, found["password"], impersonation=False)
        found["trust, impersonating"] = _trust(world, found["password"], impersonation=True)
        found["application credential"] = _credential(world, found["password"])
    return found


def shown_everywhere(root: Api, text: str) -> dict[str, int]:
    """Return the answer of each path that checks a token."""
    mine = Api()
    mine.token = text
    subject = {"X-Subject-Token": text}
    compute = mine.client.get("/compute/v2.1/flavors", headers={"X-Auth-Token": text})
    return {
        "used": mine.call("get", "/v3/auth/projects").status_code,
        "of itself": mine.call("get", "/v3/auth/tokens", **subject).status_code,
        "compute": compute.status_code,
        "network": mine.client.get("/network/v2.0/networks", headers={"X-Auth-Token": text}).status_code,
        "image": mine.client.get("/image/v2/images", headers={"X-Auth-Token": text}).status_code,
        "validated": root.call("get", "/v3/auth/tokens", **subject).status_code,
        "checked": root.call("head", "/v3/auth/tokens", **subject).status_code,
        "v2.0": root.call("get", f"/v2.0/tokens/{text}").status_code,
        "rescoped": mine.sign_in(token_body(text)).status_code,
        "v2.0 rescoped": mine.call("post", "/v2.0/tokens", {"auth": {"token": {"id": text}}}).status_code,
    }


@pytest.fixture(autouse=True)
def cheap_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def world(cheap_passwords: None, cloud: None, role: Any) -> World:
    """The caller belongs to another domain, which stays."""
    from apps.identity.models import Domain

    away = Domain.objects.create(name="away")
    root = User(name="root", domain=away)
    root.set_password(PASSWORD)
    root.save()
    RoleAssignment.objects.create(user=root, system=True, role=role("admin"))
    api = Api()
    api.token = _sign_in(password_body("root", scope=SYSTEM, domain={"id": away.pk}))
    return World(api)


# A credential survives its owner's new password, as in Keystone; its tokens are no exception.
SURVIVES = {"application credential": ("password set by an administrator", "password changed")}


@pytest.mark.parametrize(("held", "ending"), CASES, ids=[f"{held}: {ending}" for held, ending in CASES])
def test_every_token_ends_at_once(world: World, held: str, ending: str) -> None:
    grant, scope = HELD[held]
    world.ask("put", grant)
    tokens = tokens_of(world, scope)
    for text in tokens.values():
        assert Api().client.get("/identity/v3/auth/projects", headers={"X-Auth-Token": text}).status_code == 200
    ENDS[ending](world, world.ids(grant))
    for name, text in tokens.items():
        said = shown_everywhere(world.root, text)
        if ending in SURVIVES.get(name, ()):
            continue
        dead = {place: code for place, code in said.items() if code not in (401, 404)}
        assert not dead, name
        assert said["used"] == said["compute"] == 401, name


def test_a_deleted_token_takes_its_children_along(world: World) -> None:
    grant, scope = HELD["user on project"]
    world.ask("put", grant)
    tokens = tokens_of(world, scope)
    lent = _sign_in(token_body(tokens["application credential"]))
    world.root.call("delete", "/v3/auth/tokens", **{"X-Subject-Token": tokens["rescoped"]})
    world.root.call("delete", f"/v2.0/tokens/{tokens['application credential']}")
    alive = {name for name, text in tokens.items() if shown_everywhere(world.root, text)["used"] == 200}
    assert alive == {"password", "trust", "trust, impersonating"}
    assert shown_everywhere(world.root, lent)["used"] == 401


def test_what_is_left_of_several_roles(world: World) -> None:
    """One of two grants is revoked: the token keeps the other role, and an implied role ends with its rule."""
    world.ask("put", HELD["user on project"][0])
    world.ask("put", HELD["group, inherited from a domain"][0])
    text = tokens_of(world, LOW)["rescoped"]
    world.ask("delete", HELD["group, inherited from a domain"][0])
    assert shown_everywhere(world.root, text)["used"] == 200
    reader = Role.objects.get(name="reader", domain=None)
    member = Role.objects.get(name="member", domain=None)
    for gone in (reader, member):
        world.ask("delete", f"/v3/roles/{{role}}/implies/{gone.pk}")
    mine = Api()
    mine.token = text
    assert mine.call("get", "/v3/auth/tokens", **{"X-Subject-Token": text}).json()["token"]["roles"] == [
        {"id": world.role.pk, "name": "looker"}
    ]
    assert mine.client.get("/network/v2.0/networks", headers={"X-Auth-Token": text}).status_code == 403
