"""Talking to identity over HTTP as clients do."""

from typing import Any

from django.test import Client

from apps.identity.models import Project, User

PASSWORD = "correct horse"


class Api:
    """Speaks JSON with identity under one token."""

    def __init__(self) -> None:
        self.client = Client(raise_request_exception=True)
        self.token = ""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if self.token:
            headers.setdefault("X-Auth-Token", self.token)
        keywords = {"data": body, "content_type": "application/json"} if body is not None else {}
        return getattr(self.client, method)(f"/identity{path}", headers=headers, **keywords)

    def sign_in(self, body: dict[str, Any]) -> Any:
        return self.client.post("/identity/v3/auth/tokens", body, content_type="application/json")


def password_body(
    name: str = "demo", password: Any = PASSWORD, scope: Any = None, domain: Any = None
) -> dict[str, Any]:
    user = {"name": name, "domain": domain or {"id": "default"}, "password": password}
    auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if scope is not None:
        auth["scope"] = scope
    return {"auth": auth}


def project_scope(name: str = "demo") -> dict[str, Any]:
    return {"project": {"name": name, "domain": {"name": "Default"}}}


def token_body(token: str, scope: Any = None) -> dict[str, Any]:
    auth: dict[str, Any] = {"identity": {"methods": ["token"], "token": {"id": token}}}
    if scope is not None:
        auth["scope"] = scope
    return {"auth": auth}


def works(api: Api) -> bool:
    return bool(api.call("get", "/v3/auth/projects").status_code == 200)


def make_trust(api: Api, trustor: User, trustee: User, project: Project, **values: Any) -> dict[str, Any]:
    body = {
        "trustor_user_id": trustor.pk,
        "trustee_user_id": trustee.pk,
        "project_id": project.pk,
        "impersonation": False,
        "roles": [{"name": "member"}],
        **values,
    }
    answer = api.call("post", "/v3/OS-TRUST/trusts", {"trust": body})
    assert answer.status_code == 201, answer.content
    return dict(answer.json()["trust"])


def use_trust(trust_id: str) -> Any:
    return Api().sign_in(password_body("other", scope={"OS-TRUST:trust": {"id": trust_id}}))


def trust_token(api: Api, trustor: User, trustee: User, project: Project, **values: Any) -> str:
    return str(use_trust(make_trust(api, trustor, trustee, project, **values)["id"])["X-Subject-Token"])
