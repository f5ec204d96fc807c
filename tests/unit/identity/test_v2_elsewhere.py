"""v2.0 knows only the default domain: users and rows of others can neither sign in nor be shown, by any ID."""

from typing import Any

import pytest

from apps.identity.models import Domain, Project, RoleAssignment, User
from tests.unit.identity.dialogue import PASSWORD, Api, password_body

pytestmark = pytest.mark.django_db


class Abroad:
    """Demo's namesake and a project of another domain, with roles here and there."""

    def __init__(self, domain: Domain, demo: User, role: Any) -> None:
        self.user = User(name="demo", domain=domain)
        self.user.set_password(PASSWORD)
        self.user.save()
        self.project = Project.objects.create(name="demo", domain=domain, parent=domain)
        here = Project.objects.get(name="demo", domain_id="default")
        for user, project in ((self.user, self.project), (self.user, here), (demo, self.project)):
            RoleAssignment.objects.create(user=user, project=project, role=role("member"))

    def token(self, api: Api, user: User, project: Project) -> str:
        scope = {"project": {"id": project.pk}}
        return str(api.sign_in(password_body("demo", scope=scope, domain={"id": user.domain_id}))["X-Subject-Token"])


def v2(api: Api, **auth: Any) -> Any:
    return api.call("post", "/v2.0/tokens", {"auth": auth})


def test_v2_signs_in_nobody_from_elsewhere(
    api: Api, other_domain: Domain, demo: User, project: Project, role: Any
) -> None:
    abroad = Abroad(other_domain, demo, role)
    wrong = v2(api, passwordCredentials={"userId": demo.pk, "password": "wrong"})
    mine = {"userId": demo.pk, "password": PASSWORD}
    theirs = {"userId": abroad.user.pk, "password": PASSWORD}
    assert v2(api, passwordCredentials=mine, tenantId=project.pk).status_code == 200
    refused = [
        v2(api, passwordCredentials=theirs),
        v2(api, passwordCredentials=theirs, tenantId=project.pk),
        v2(api, passwordCredentials=mine, tenantId=abroad.project.pk),
        v2(api, token={"id": abroad.token(api, abroad.user, project)}),
        v2(api, token={"id": abroad.token(api, demo, project)}, tenantId=abroad.project.pk),
    ]
    assert {(answer.status_code, answer.content) for answer in refused} == {(401, wrong.content)}


def test_v2_has_no_default_tenant_elsewhere(api: Api, other_domain: Domain, demo: User, role: Any) -> None:
    abroad = Abroad(other_domain, demo, role)
    User.objects.filter(pk=demo.pk).update(default_project_id=abroad.project.pk)
    access = v2(api, passwordCredentials={"username": "demo", "password": PASSWORD}).json()["access"]
    assert "tenant" not in access["token"]


def test_v2_shows_no_token_from_elsewhere(
    as_admin: Api, other_domain: Domain, demo: User, project: Project, role: Any
) -> None:
    abroad = Abroad(other_domain, demo, role)
    for user, there in ((abroad.user, project), (demo, abroad.project)):
        text = abroad.token(Api(), user, there)
        assert as_admin.call("get", f"/v2.0/tokens/{text}").status_code == 404
        assert as_admin.call("get", f"/v2.0/tokens/{text}/endpoints").status_code == 404
        assert as_admin.call("get", "/v3/auth/tokens", **{"X-Subject-Token": text}).status_code == 200
        assert as_admin.call("delete", f"/v2.0/tokens/{text}").status_code == 204


def test_v2_changes_no_password_elsewhere(api: Api, other_domain: Domain, demo: User, role: Any) -> None:
    abroad = Abroad(other_domain, demo, role)
    api.token = abroad.token(api, abroad.user, abroad.project)
    body = {"user": {"original_password": PASSWORD, "password": "another one"}}
    assert api.call("patch", f"/v2.0/OS-KSCRUD/users/{abroad.user.pk}", body).status_code == 404
    api.token = abroad.token(api, demo, abroad.project)
    answer = api.call("patch", f"/v2.0/OS-KSCRUD/users/{demo.pk}", body)
    assert answer.status_code == 200
    assert "tenant" not in answer.json()["access"]["token"]
