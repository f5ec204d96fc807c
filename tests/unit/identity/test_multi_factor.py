"""Users' rules that require more than a password are enforced as in Keystone, for every method of sign-in."""

import base64
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.common.models import AuditEvent
from apps.identity import multi_factor
from apps.identity.models import User
from apps.identity.services import auth_methods, credentials, passcodes
from tests.unit.identity.dialogue import PASSWORD, Api, password_body, project_scope, token_body

pytestmark = pytest.mark.django_db
SECRET = base64.b32encode(b"12345678901234567890").decode()  # RFC 6238's own
BOTH = [["password", "totp"]]


def ask_for(user: User, rules: Any, **options: Any) -> None:
    User.objects.filter(pk=user.pk).update(options={"multi_factor_auth_rules": rules, **options})


@pytest.fixture
def device(demo: User) -> None:
    blob = credentials.seal(SECRET)
    demo.credentials.create(id="d", type="totp", blob=blob)


def code(back: int = 0) -> str:
    return passcodes.Device(SECRET).at(int(timezone.now().timestamp()) // passcodes.SECONDS - back)


def body(*methods: str, passcode: str = "", password: str = PASSWORD, scope: Any = None) -> dict[str, Any]:
    user = {"name": "demo", "domain": {"id": "default"}}
    identity: dict[str, Any] = {"methods": list(methods)}
    if "password" in methods:
        identity["password"] = {"user": {**user, "password": password}}
    if "totp" in methods:
        identity["totp"] = {"user": {**user, "passcode": passcode or code()}}
    return {"auth": {"identity": identity, **({"scope": scope} if scope else {})}}


@pytest.mark.parametrize(
    ("options", "methods", "enough"),
    [
        ({}, ["password"], True),
        ({"multi_factor_auth_enabled": True}, ["password"], True),
        ({"multi_factor_auth_rules": BOTH}, ["password"], False),
        ({"multi_factor_auth_rules": BOTH, "multi_factor_auth_enabled": None}, ["password"], False),
        ({"multi_factor_auth_rules": BOTH, "multi_factor_auth_enabled": False}, ["password"], True),
        ({"multi_factor_auth_rules": BOTH}, ["password", "totp"], True),
        ({"multi_factor_auth_rules": BOTH}, ["password", "totp", "token"], True),
        ({"multi_factor_auth_rules": [*BOTH, ["token"]]}, ["token"], True),
        ({"multi_factor_auth_rules": [[], "password", [1], None]}, ["token"], True),
        ({"multi_factor_auth_rules": [["password"], [1]]}, ["token"], False),
        ({"multi_factor_auth_rules": "password"}, ["token"], True),
        ({"multi_factor_auth_rules": [["password", "oauth1"]]}, ["password"], True),
        ({"multi_factor_auth_rules": [["oauth1"]]}, ["password"], True),
    ],
)
def test_what_is_enough(options: dict[str, Any], methods: list[str], enough: bool) -> None:
    assert multi_factor.suffice(options, methods) is enough


def test_the_methods_that_count_are_those_that_there_are() -> None:
    assert set(auth_methods.METHODS) == multi_factor.SUPPORTED


@pytest.mark.parametrize(
    ("moment", "expected"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_rfc_6238(moment: int, expected: str) -> None:
    assert passcodes.Device(SECRET).at(moment // passcodes.SECONDS) == expected


@pytest.mark.parametrize("blob", ["", "====", "not base 32!", "MZXW6YTB0", "\N{FULLWIDTH LATIN CAPITAL LETTER A}" * 16])
def test_a_blob_that_is_no_secret(blob: str) -> None:
    assert passcodes.device_of(blob) is None


@pytest.mark.parametrize("blob", [SECRET, SECRET.lower(), f" {SECRET[:8]} {SECRET[8:]}\n", "JBSWY3DPEHPK3PXP"])
def test_secrets_as_devices_show_them(blob: str) -> None:
    """Lower case, grouped, padded or not, and of 80 bits, as many devices use."""
    device = passcodes.device_of(blob)
    assert device is not None and len(device.at(1)) == 6


def test_a_password_alone_opens_nothing(api: Api, demo: User, device: None) -> None:
    ask_for(demo, BOTH, multi_factor_auth_enabled=True)
    refused = api.sign_in(password_body(scope=project_scope()))
    assert refused.status_code == 401
    assert refused.content == api.sign_in(password_body(password="x")).content
    assert api.sign_in(body("totp")).status_code == 401
    v2 = {"auth": {"passwordCredentials": {"username": "demo", "password": PASSWORD}, "tenantName": "demo"}}
    assert api.call("post", "/v2.0/tokens", v2).status_code == 401
    page = Client()
    page.post("/admin/login/", {"username": "demo", "password": PASSWORD})
    assert "_auth_user_id" not in page.session
    reasons = AuditEvent.objects.filter(outcome="failure").values_list("details__reason", flat=True)
    assert list(reasons).count("too few methods") == 4


def test_both_together_do_and_their_token_goes_on(api: Api, demo: User, device: None) -> None:
    ask_for(demo, BOTH)
    answer = api.sign_in(body("password", "totp", scope=project_scope()))
    assert answer.status_code == 201
    assert sorted(answer.json()["token"]["methods"]) == ["password", "totp"]
    again = api.sign_in(token_body(answer["X-Subject-Token"], scope=project_scope()))
    assert again.status_code == 201
    assert sorted(again.json()["token"]["methods"]) == ["password", "token", "totp"]


def test_an_older_token_of_a_password_makes_no_other(api: Api, demo: User, device: None) -> None:
    token = api.sign_in(password_body())["X-Subject-Token"]
    ask_for(demo, BOTH)
    assert api.sign_in(token_body(token, scope=project_scope())).status_code == 401


def test_application_credentials_need_a_rule_of_their_own(as_demo: Api, demo: User) -> None:
    path = f"/v3/users/{demo.pk}/application_credentials"
    made = as_demo.call("post", path, {"application_credential": {"name": "ci"}}).json()["application_credential"]
    given = {"id": made["id"], "secret": made["secret"]}
    request = {"auth": {"identity": {"methods": ["application_credential"], "application_credential": given}}}
    ask_for(demo, BOTH)
    assert as_demo.sign_in(request).status_code == 401
    ask_for(demo, [*BOTH, ["application_credential"]])
    assert as_demo.sign_in(request).status_code == 201


def test_a_code_is_good_once_and_for_a_minute(api: Api, demo: User, device: None) -> None:
    assert api.sign_in(body("totp", passcode=code(back=1))).status_code == 201
    now = code()
    assert api.sign_in(body("totp", passcode=now)).status_code == 201
    assert api.sign_in(body("totp", passcode=now)).status_code == 401
    assert api.sign_in(body("totp", passcode=code(back=3))).status_code == 401
    assert api.sign_in(body("totp", passcode="１２３４５６")).status_code == 401


def test_guessing_codes_locks_though_the_password_is_known(api: Api, demo: User, device: None, settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 3
    ask_for(demo, BOTH)
    for _ in range(3):
        assert api.sign_in(body("password", "totp", passcode="000000")).status_code == 401
        api.sign_in(password_body())
    assert api.sign_in(body("password", "totp")).status_code == 401
    User.objects.update(failed_auth_at="2020-01-01T00:00:00Z")
    assert api.sign_in(body("password", "totp", passcode=code(back=1))).status_code == 201
    demo.refresh_from_db()
    assert demo.failed_auth_count == 0


@pytest.mark.parametrize("blob", ["not base 32!", "", "====", "1"])
def test_a_broken_device_lets_nobody_in(api: Api, demo: User, blob: str) -> None:
    demo.credentials.create(id="d", type="totp", blob=credentials.seal(blob))
    assert api.sign_in(body("totp", passcode="123456")).status_code == 401


def test_what_is_lent_reads_no_secret_of_a_device(as_demo: Api, demo: User, device: None) -> None:
    path = f"/v3/users/{demo.pk}/application_credentials"
    made = as_demo.call("post", path, {"application_credential": {"name": "ci"}}).json()["application_credential"]
    given = {"id": made["id"], "secret": made["secret"]}
    request = {"auth": {"identity": {"methods": ["application_credential"], "application_credential": given}}}
    lent = Api()
    lent.token = lent.sign_in(request)["X-Subject-Token"]
    assert as_demo.call("get", "/v3/credentials/d").status_code == 200
    assert lent.call("get", "/v3/credentials/d").status_code == 403
    assert lent.call("get", "/v3/credentials").json()["credentials"] == []


@pytest.mark.parametrize("rules", [True, "password", ["password"], [[1]]])
def test_rules_that_are_none_are_refused(as_admin: Api, demo: User, rules: Any) -> None:
    changes = {"user": {"options": {"multi_factor_auth_rules": rules}}}
    assert as_admin.call("patch", f"/v3/users/{demo.pk}", changes).status_code == 400
