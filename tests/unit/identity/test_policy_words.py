"""Keystone's rules, copied into policy.yaml unchanged, mean the same as in Keystone."""

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from apps.common import policy
from apps.common.context import RequestContext
from apps.identity.models import Domain, Group, Project, Role, User
from apps.identity.services import passwords
from tests.unit.identity.dialogue import PASSWORD, Api, password_body

pytestmark = pytest.mark.django_db
_times = count(2)

# keystone/common/policies/grant.py, as it is.
GRANTS = (
    "(role:manager and domain_id:%(target.{0}.domain_id)s and {1}) and "
    "(domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s) and rule:domain_managed_target_role"
)


@pytest.fixture
def write(tmp_path: Path, settings: Any) -> Callable[[dict[str, str]], None]:
    settings.STATE_DIR = tmp_path

    def put(rules: dict[str, str]) -> None:
        file = tmp_path / "policy.yaml"
        file.write_text("\n".join(f'"{name}": "{check}"' for name, check in rules.items()))
        at = 10**18 + next(_times)
        os.utime(file, ns=(at, at))

    return put


@pytest.fixture
def manager(other_domain: Domain, role: Any, grant: Any) -> Api:
    chief = User(domain=other_domain, name="chief")
    passwords.assign(user=chief, password=PASSWORD)
    chief.save()
    grant(user=chief, domain=other_domain, role=role("manager"))
    api = Api()
    domain = {"id": other_domain.pk}
    api.token = api.sign_in(password_body("chief", domain=domain, scope={"domain": domain}))["X-Subject-Token"]
    return api


def test_an_owner_is_a_user_in_keystone_and_a_project_in_nova(write: Any) -> None:
    write(dict.fromkeys(("identity:get_user", "os_compute_api:servers:show", "get_port"), "rule:admin_or_owner"))
    own, foreign = {"user_id": "u", "project_id": "q"}, {"user_id": "v", "project_id": "p"}
    caller = RequestContext(user_id="u", project_id="p", roles=("member",))
    assert policy.allowed(caller, "identity:get_user", own)
    assert not policy.allowed(caller, "identity:get_user", foreign)
    for rule in ("os_compute_api:servers:show", "get_port"):
        assert not policy.allowed(caller, rule, own)
        assert policy.allowed(caller, rule, foreign)


def test_what_the_file_itself_says_counts_everywhere(write: Any) -> None:
    write(
        {"admin_or_owner": "role:cook", "identity:get_user": "rule:admin_or_owner", "get_port": "rule:admin_or_owner"}
    )
    cook = RequestContext(user_id="u", roles=("cook",))
    assert policy.allowed(cook, "identity:get_user", {})
    assert policy.allowed(cook, "get_port", {})


@pytest.mark.parametrize(
    ("check", "roles", "target", "good"),
    [
        ("rule:owner", (), {"user_id": "u"}, True),
        ("rule:admin_required", ("admin",), {}, True),
        ("rule:service_role", ("service",), {}, True),
        ("rule:service_or_admin", ("service",), {}, True),
        ("rule:service_or_admin", ("member",), {}, False),
        ("rule:token_subject", (), {"target.token.user_id": "u"}, True),
        ("rule:token_subject", (), {"target.token.user_id": "v"}, False),
        ("rule:admin_or_token_subject", ("admin",), {}, True),
        ("rule:service_admin_or_token_subject", ("service",), {}, True),
        ("rule:service_admin_or_token_subject", (), {"target.token.user_id": "u"}, True),
        ("rule:domain_managed_target_role", (), {"target.role.name": "member"}, True),
        ("rule:domain_managed_target_role", (), {"target.role.name": "admin"}, False),
        ("token.domain.id:%(target.domain.id)s", (), {"target.domain.id": "d"}, True),
        ("token.project.domain.id:%(target.domain.id)s", (), {"target.domain.id": "d"}, False),
        ("token.user.domain.id:%(target.user.domain_id)s", (), {"target.user.domain_id": "h"}, True),
        ("token.project.id:%(target.role.domain_id)s", (), {"target.role.domain_id": "None"}, False),
    ],
)
def test_keystones_words(write: Any, check: str, roles: Any, target: Any, good: bool) -> None:
    write({"identity:get_user": check})
    caller = RequestContext(user_id="u", domain_id="d", user_domain_id="h", roles=roles)
    assert policy.allowed(caller, "identity:get_user", target) is good


@pytest.mark.parametrize("kind", ["user", "group"])
@pytest.mark.parametrize("place", ["project", "domain"])
def test_keystones_rules_of_grants(
    write: Any, manager: Api, other_domain: Domain, project: Project, role: Any, kind: str, place: str
) -> None:
    where = "domain_id:%(target.project.domain_id)s" if place == "project" else "domain_id:%(target.domain.id)s"
    write({f"identity:{verb}_grant": GRANTS.format(kind, where) for verb in ("create", "check", "revoke")})
    within = Project.objects.create(name="within", domain=other_domain, parent=other_domain)
    actor = (User if kind == "user" else Group).objects.create(name="actor", domain=other_domain)
    stranger = (User if kind == "user" else Group).objects.create(name="actor", domain_id="default")
    target = within.pk if place == "project" else other_domain.pk
    foreign = project.pk if place == "project" else "default"

    def calls(target: str, actor: Any, role: Role) -> list[int]:
        path = f"/v3/{place}s/{target}/{kind}s/{actor.pk}/roles/{role.pk}"
        return [manager.call(method, path).status_code for method in ("put", "get", "delete")]

    assert calls(target, actor, role("member")) == [204, 204, 204]
    assert calls(target, actor, Role.objects.create(name="reader", domain=other_domain)) == [204, 204, 204]
    assert calls(target, actor, role("admin")) == [403, 403, 403]
    assert calls(foreign, actor, role("member")) == [403, 403, 403]
    assert calls(target, stranger, role("member")) == [403, 403, 403]


@pytest.mark.parametrize(
    ("rule", "check", "method", "path"),
    [
        ("list_groups", "domain_id:%(target.group.domain_id)s", "get", "/v3/groups"),
        ("list_users", "token.domain.id:%(target.domain_id)s", "get", "/v3/users"),
        ("list_projects", "domain_id:%(target.domain_id)s", "get", "/v3/projects"),
        ("list_domains", "domain_id:%(target.domain.id)s", "get", "/v3/domains"),
        ("get_domain", "token.domain.id:%(target.domain.id)s", "get", "/v3/domains/{domain}"),
        ("get_user", "domain_id:%(target.user.domain_id)s", "get", "/v3/users/{user}"),
        ("get_user", "user_id:%(target.user.id)s", "get", "/v3/users/{user}"),
        ("get_user", "rule:admin_or_owner", "get", "/v3/users/{user}"),
        ("list_groups_for_user", "user_id:%(user_id)s", "get", "/v3/users/{user}/groups"),
        ("list_user_projects", "user_id:%(target.user.id)s", "get", "/v3/users/{user}/projects"),
        ("list_credentials", "user_id:%(target.credential.user_id)s", "get", "/v3/credentials"),
        ("ec2_list_credentials", "rule:owner", "get", "/v3/users/{user}/credentials/OS-EC2"),
        ("list_application_credentials", "rule:owner", "get", "/v3/users/{user}/application_credentials"),
        ("list_access_rules", "user_id:%(target.user.id)s", "get", "/v3/users/{user}/access_rules"),
        ("list_trusts_for_trustor", "user_id:%(target.trust.trustor_user_id)s", "get",
         "/v3/OS-TRUST/trusts?trustor_user_id={user}"),
        ("get_project", "domain_id:%(target.project.domain_id)s", "get", "/v3/projects/{project}"),
        ("list_role_assignments", "domain_id:%(target.domain_id)s", "get", "/v3/role_assignments"),
        ("list_role_assignments_for_tree", "domain_id:%(target.project.domain_id)s", "get",
         "/v3/role_assignments?include_subtree&scope.project.id={project}"),
        ("list_domain_roles", "domain_id:%(target.role.domain_id)s", "get", "/v3/roles?domain_id={domain}"),
        ("list_grants", "domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s", "get",
         "/v3/projects/{project}/users/{user}/roles"),
        ("list_grants", "user_id:%(user_id)s and domain_id:%(domain_id)s", "get",
         "/v3/domains/{domain}/users/{user}/roles"),
        ("validate_token", "rule:token_subject", "get", "/v3/auth/tokens"),
    ],
)  # fmt: skip
def test_attributes_that_keystones_defaults_refer_to(
    write: Any, manager: Api, other_domain: Domain, rule: str, check: str, method: str, path: str
) -> None:
    within = Project.objects.create(name="within", domain=other_domain, parent=other_domain)
    chief = User.objects.get(name="chief")
    address = path.format(user=chief.pk, domain=other_domain.pk, project=within.pk)
    write({f"identity:{rule}": check})
    assert manager.call(method, address, **{"X-Subject-Token": manager.token}).status_code == 200
    write({f"identity:{rule}": f"not ({check})"})
    assert manager.call(method, address, **{"X-Subject-Token": manager.token}).status_code == 403


def test_names_of_keystone_for_one_rule_alone(
    write: Any, as_demo: Api, demo: User, admin: User, project: Project
) -> None:
    write({
        "identity:create_trust": "user_id:%(trust.trustor_user_id)s",
        "identity:ec2_get_credential": "user_id:%(target.credential.user_id)s",
        "identity:create_domain_role": "'default':%(target.role.domain_id)s",
    })  # fmt: skip
    trust = {"trustor_user_id": demo.pk, "trustee_user_id": admin.pk, "project_id": project.pk, "impersonation": False}
    body = {"trust": {**trust, "roles": [{"name": "reader"}]}}
    assert as_demo.call("post", "/v3/OS-TRUST/trusts", body).status_code == 201
    path = f"/v3/users/{demo.pk}/credentials/OS-EC2"
    access = as_demo.call("post", path, {"tenant_id": project.pk}).json()["credential"]["access"]
    assert as_demo.call("get", f"{path}/{access}").status_code == 200
    assert as_demo.call("post", "/v3/roles", {"role": {"name": "r", "domain_id": "default"}}).status_code == 201
