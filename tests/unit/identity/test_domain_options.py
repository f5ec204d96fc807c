"""A domain's own configuration: Keystone's options, checked, with secrets that nobody sees."""

import json
from typing import Any

import pytest
from django.core.management import call_command

from apps.identity.models import Domain, DomainOption
from tests.unit.identity.dialogue import Api

pytestmark = pytest.mark.django_db
CONFIG = {"identity": {"driver": "ldap"}, "ldap": {"url": "ldap://x", "user_tree_dn": "ou=u", "password": "s3cret"}}
SHOWN = {"identity": {"driver": "ldap"}, "ldap": {"url": "ldap://x", "user_tree_dn": "ou=u"}}


@pytest.fixture
def path(other_domain: Domain) -> str:
    return f"/v3/domains/{other_domain.pk}/config"


def test_life(as_admin: Api, path: str) -> None:
    assert as_admin.call("get", path).status_code == 404
    answer = as_admin.call("put", path, {"config": CONFIG})
    assert (answer.status_code, answer.json()) == (201, {"config": SHOWN})
    assert as_admin.call("put", path, {"config": CONFIG}).status_code == 200
    assert as_admin.call("get", path).json() == {"config": SHOWN}
    assert as_admin.call("get", f"{path}/ldap").json() == {"config": {"ldap": SHOWN["ldap"]}}
    assert as_admin.call("get", f"{path}/ldap/url").json() == {"config": {"url": "ldap://x"}}
    assert as_admin.call("head", f"{path}/ldap/url").status_code == 200
    assert as_admin.call("get", f"{path}/ldap/suffix").status_code == 404
    merged = as_admin.call("patch", path, {"config": {"ldap": {"url": "ldap://y"}, "identity": {"list_limit": 9}}})
    assert merged.json()["config"] == {
        "identity": {"driver": "ldap", "list_limit": 9},
        "ldap": {"url": "ldap://y", "user_tree_dn": "ou=u"},
    }
    one = as_admin.call("patch", f"{path}/ldap", {"config": {"ldap": {"url": "ldap://z"}}})
    assert one.json()["config"]["ldap"]["url"] == "ldap://z"
    one = as_admin.call("patch", f"{path}/ldap/url", {"config": {"url": "ldap://w"}})
    assert one.json()["config"]["ldap"]["url"] == "ldap://w"
    assert as_admin.call("patch", f"{path}/ldap/suffix", {"config": {"suffix": "x"}}).status_code == 404
    assert as_admin.call("delete", f"{path}/ldap/url").status_code == 204
    assert as_admin.call("delete", f"{path}/ldap/url").status_code == 404
    assert as_admin.call("delete", f"{path}/ldap").status_code == 204
    assert as_admin.call("get", path).json()["config"] == {"identity": {"driver": "ldap", "list_limit": 9}}
    assert as_admin.call("put", path, {"config": {"identity": {"list_limit": 1}}}).json()["config"] == {
        "identity": {"list_limit": 1}
    }
    assert as_admin.call("delete", path).status_code == 204
    assert as_admin.call("get", path).status_code == 404


def test_a_secret_is_kept_and_never_shown(as_admin: Api, path: str, caplog: Any, capfd: Any) -> None:
    caplog.set_level("DEBUG")
    said = [as_admin.call("put", path, {"config": CONFIG})]
    said += [as_admin.call(method, path, {"config": CONFIG}) for method in ("put", "patch")]
    said.append(as_admin.call("patch", f"{path}/ldap/password", {"config": {"password": "s3cret"}}))
    assert said[-1].status_code == 200
    said += [as_admin.call("get", path + part) for part in ("", "/ldap", "/ldap/password")]
    assert said[-1].status_code == 404
    assert not [answer for answer in said if b"s3cret" in answer.content]
    assert "s3cret" not in caplog.text + "".join(capfd.readouterr())
    assert "s3cret" not in json.dumps(list(DomainOption.objects.values()))
    row = DomainOption.objects.get(option="password")
    call_command("credential_rotate")
    before = row.value
    row.refresh_from_db()
    assert row.value != before
    assert as_admin.call("delete", f"{path}/ldap/password").status_code == 204


@pytest.mark.parametrize(
    ("part", "config", "code"),
    [
        ("", {}, 403),
        ("", {"what": {"x": 1}}, 403),
        ("", {"ldap": {"what": 1}}, 403),
        ("", {"ldap": {}}, 403),
        ("", {"ldap": "x"}, 403),
        ("", {"ldap": {"url": "x" * 5000}}, 403),
        ("", {"ldap": {"url": {"a": "b"}}}, 403),
        ("", {"ldap": {"url": "a\x00b"}}, 403),
        ("", {"ldap": {"password": 5}}, 403),
        ("", [], 400),
        ("", "x", 400),
        ("/ldap", {"identity": {"driver": "sql"}}, 403),
        ("/ldap", {"ldap": {"url": "x"}, "identity": {"driver": "sql"}}, 403),
        ("/ldap/url", {"suffix": "x"}, 403),
        ("/ldap/url", {"ldap": {"url": "x"}}, 403),
        ("/what", {"what": {"x": 1}}, 403),
        ("/ldap/what", {"what": 1}, 403),
    ],
)
def test_what_is_refused_changes_nothing(as_admin: Api, path: str, part: str, config: Any, code: int) -> None:
    as_admin.call("put", path, {"config": CONFIG})
    before = list(DomainOption.objects.values_list("group", "option", "value"))
    answer = as_admin.call("patch", path + part, {"config": config})
    assert answer.status_code == code, answer.content
    assert answer.json()["error"]["message"]
    if not part:
        assert as_admin.call("put", path, {"config": config}).status_code == code
    assert list(DomainOption.objects.values_list("group", "option", "value")) == before


def test_defaults(as_admin: Api) -> None:
    everything = as_admin.call("get", "/v3/domains/config/default").json()["config"]
    assert everything["identity"] == {"driver": "sql", "list_limit": None}
    assert "password" not in everything["ldap"]
    assert as_admin.call("get", "/v3/domains/config/ldap/default").json() == {"config": {"ldap": everything["ldap"]}}
    assert as_admin.call("get", "/v3/domains/config/ldap/url/default").json() == {"config": {"url": "ldap://localhost"}}
    for path in ("what", "ldap/what", "ldap/password"):
        assert as_admin.call("get", f"/v3/domains/config/{path}/default").status_code == 403


def test_what_everyone_may_know_about_passwords(as_demo: Api, settings: Any, path: str) -> None:
    settings.PASSWORD_REGEX = "^.{9,}$"
    shown = as_demo.call("get", "/v3/domains/default/config/security_compliance").json()["config"]
    assert shown["security_compliance"]["password_regex"] == "^.{9,}$"
    one = as_demo.call("get", "/v3/domains/default/config/security_compliance/password_regex")
    assert one.json() == {"config": {"password_regex": "^.{9,}$"}}
    assert as_demo.call("get", f"{path}/security_compliance").status_code == 403
    assert as_demo.call("get", "/v3/domains/default/config/security_compliance/lockout").status_code == 403
    assert as_demo.call("get", "/v3/domains/default/config").status_code == 403


def test_no_domain(as_admin: Api, as_demo: Api, path: str) -> None:
    for method in ("get", "put", "patch", "delete"):
        body = {"config": CONFIG} if method in ("put", "patch") else None
        assert as_admin.call(method, "/v3/domains/none/config", body).status_code == 404
        assert as_demo.call(method, path, body).status_code == 403


def test_it_goes_with_the_domain(as_admin: Api, path: str, other_domain: Domain) -> None:
    as_admin.call("put", path, {"config": CONFIG})
    as_admin.call("patch", f"/v3/domains/{other_domain.pk}", {"domain": {"enabled": False}})
    assert as_admin.call("delete", f"/v3/domains/{other_domain.pk}").status_code == 204
    assert not DomainOption.objects.exists()
