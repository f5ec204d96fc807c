"""Signing in: one answer for all causes, and what is refused before any work is done."""

import time
from typing import Any

import pytest
from django.test import Client

from apps.identity.models import Domain, User
from apps.identity.services import users
from tests.unit.identity.dialogue import PASSWORD, Api, password_body, project_scope

pytestmark = pytest.mark.django_db


def test_the_same_answer_for_every_cause(api: Api, cloud: None, demo: User, other_domain: Domain) -> None:
    """OSSA 2021-003."""
    users.create(values={"name": "off", "password": PASSWORD, "enabled": False}, default_domain_id="default")
    users.create(values={"name": "none"}, default_domain_id="default")
    users.create(values={"name": "away", "password": PASSWORD, "domain_id": other_domain.pk}, default_domain_id="x")
    Domain.objects.filter(pk=other_domain.pk).update(enabled=False)
    causes = [
        password_body("nobody"),
        password_body("demo", "wrong"),
        password_body("demo", ""),
        password_body("demo", None),
        password_body("off"),
        password_body("none", ""),
        password_body("away", domain={"id": other_domain.pk}),
        password_body("demo", domain={"name": "no such domain"}),
        password_body(scope=project_scope("admin")),
        password_body(scope=project_scope("no such project")),
        password_body(scope={"domain": {"id": "default"}}),
        password_body(scope={"system": {"all": True}}),
        {"auth": {"identity": {"methods": ["token"], "token": {"id": "rubbish"}}}},
        {"auth": {"identity": {"methods": ["saml2"]}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": "x", "password": "y"}}}}},
    ]
    answers = {(answer.status_code, answer.content) for answer in map(api.sign_in, causes)}
    assert len(answers) == 1
    assert answers.pop()[0] == 401


@pytest.mark.usefixtures("production_hashes")
def test_an_unknown_user_costs_as_much_as_a_wrong_password(api: Api, cloud: None) -> None:
    def cost(name: str) -> float:
        times = []
        for _ in range(5):
            begin = time.thread_time()
            api.sign_in(password_body(name, "wrong"))
            times.append(time.thread_time() - begin)
        return min(times)

    cost("warm")
    known, unknown = cost("demo"), cost("nobody")
    assert 0.6 < known / unknown < 1.6


@pytest.mark.usefixtures("production_hashes")
def test_a_login_is_quick(api: Api, cloud: None) -> None:
    times = []
    for _ in range(5):
        begin = time.thread_time()
        assert api.sign_in(password_body(scope=project_scope())).status_code == 201
        times.append(time.thread_time() - begin)
    assert min(times) < 0.15


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "auth"),
        ({"auth": []}, "auth"),
        ({"auth": {}}, "identity"),
        ({"auth": {"identity": {"methods": []}}}, "methods"),
        ({"auth": {"identity": {"methods": ["password"]}}}, "password"),
        ({"auth": {"identity": {"methods": ["password", "password"]}}}, "methods"),
        (
            {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "demo", "password": "x"}}}}},
            "user",
        ),
        (password_body(password="x" * 4097), "password"),
        (password_body(password="é" * 2049), "password"),
        (password_body(password=7), "password"),
        (password_body(name="n" * 256), "name"),
        (password_body(name="n\x00"), "name"),
        (password_body(scope="everything"), "scope"),
        (password_body(scope={"project": {"name": "demo"}}), "scope"),
        (password_body(scope={"project": {"id": "x"}, "system": {"all": True}}), "scope"),
        (password_body(scope={"system": {"all": "yes"}}), "scope"),
    ],
)
def test_malformed_requests_are_400_and_name_the_field(api: Api, db: None, body: Any, word: str) -> None:
    answer = api.sign_in(body)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]


def test_bad_json_is_400(db: None) -> None:
    answer = Client().post("/identity/v3/auth/tokens", "{", content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 400


def test_by_user_id_and_project_id(api: Api, demo: User) -> None:
    user = {"id": demo.pk, "password": PASSWORD}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    body["auth"]["scope"] = {"project": {"id": demo.default_project_id}}
    assert api.sign_in(body).status_code == 201


def test_an_expired_password(api: Api, demo: User) -> None:
    User.objects.filter(pk=demo.pk).update(password_expires_at="2020-01-01T00:00:00Z")
    assert api.sign_in(password_body()).status_code == 401


@pytest.mark.usefixtures("production_hashes")
def test_old_hashes_are_upgraded_without_ending_tokens(as_demo: Api, demo: User, settings: Any) -> None:
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    settings.PASSWORD_HASHERS = [*settings.PASSWORD_HASHERS, "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    User.objects.filter(pk=demo.pk).update(password=PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000))
    assert as_demo.sign_in(password_body()).status_code == 201
    demo.refresh_from_db()
    assert demo.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert as_demo.call("get", "/v3/auth/projects").status_code == 200


def test_a_stale_token_does_not_stand_in_the_way_of_signing_in(api: Api, cloud: None) -> None:
    api.token = "stale"
    assert api.call("post", "/v3/auth/tokens", password_body()).status_code == 201


def test_passwords_and_tokens_stay_out_of_the_log(api: Api, cloud: None, capfd: Any, caplog: Any) -> None:
    import logging

    caplog.set_level(logging.DEBUG)
    token = api.sign_in(password_body())["X-Subject-Token"]
    api.sign_in(password_body(password="sentinel-password"))
    api.token = token
    api.call("get", "/v3/auth/projects")
    out = caplog.text + "".join(capfd.readouterr())
    assert "sentinel-password" not in out
    assert PASSWORD not in out
    assert token not in out


@pytest.mark.parametrize("password", ["", None, False, 0, [], {}])
def test_no_password_is_no_way_in(api: Api, demo: User, password: Any) -> None:
    """OSSA 2013-015: not even for a user that has none."""
    User.objects.filter(pk=demo.pk).update(password="")
    answers = [api.sign_in(password_body(password=password))]
    old = {"auth": {"passwordCredentials": {"username": "demo", "password": password}}}
    answers.append(api.call("post", "/v2.0/tokens", old))
    assert {answer.status_code for answer in answers} <= {400, 401}
    assert not [answer for answer in answers if "X-Subject-Token" in answer]
