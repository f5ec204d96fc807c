"""Brute force: users and addresses are slowed, and the answer never says which (security classes 7 and 13)."""

from typing import Any

import pytest
from django.test import Client

from apps.common.models import AuditEvent
from apps.identity.models import AddressSlot, FormerPassword, KnownAddress, User
from apps.identity.services import throttling, users
from apps.identity.states import ADDRESS_SLOTS, KNOWN_ADDRESSES
from tests.unit.identity.dialogue import PASSWORD, Api, password_body

pytestmark = pytest.mark.django_db


def test_a_user_is_locked_and_nobody_can_tell(api: Api, demo: User, settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 3
    unknown = api.sign_in(password_body("nobody", "x"))
    wrong = [api.sign_in(password_body(password="x")) for _ in range(3)]
    locked = api.sign_in(password_body())
    assert {answer.content for answer in (unknown, *wrong, locked)} == {unknown.content}
    assert locked.status_code == 401
    User.objects.update(failed_auth_at="2020-01-01T00:00:00Z")
    assert api.sign_in(password_body()).status_code == 201
    demo.refresh_from_db()
    assert demo.failed_auth_count == 0


def test_a_locked_user_stays_locked_no_longer_for_being_tried(api: Api, demo: User, settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 2
    for _ in range(5):
        api.sign_in(password_body(password="x"))
    demo.refresh_from_db()
    assert demo.failed_auth_count == 2


def test_the_option_that_ignores_failures(api: Api, demo: User, settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 1
    User.objects.update(options={"ignore_lockout_failure_attempts": True})
    for _ in range(3):
        api.sign_in(password_body(password="x"))
    assert api.sign_in(password_body()).status_code == 201


def test_an_address_waits(api: Api, cloud: None, settings: Any) -> None:
    settings.ADDRESS_FAILURES = 3
    codes = [api.sign_in(password_body(f"u{number}", "x")).status_code for number in range(5)]
    assert codes == [401, 401, 401, 429, 429]
    refused = api.sign_in(password_body())  # the right password too
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    other = api.client.post(
        "/identity/v3/auth/tokens", password_body(), content_type="application/json", REMOTE_ADDR="192.0.2.7"
    )
    assert other.status_code == 201
    AddressSlot.objects.update(since="2020-01-01T00:00:00Z")
    assert api.sign_in(password_body()).status_code == 201


def test_only_a_trusted_proxy_names_the_client(api: Api, cloud: None, settings: Any) -> None:
    from apps.common import addresses

    request = type("R", (), {"META": {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "1.2.3.4, 5.6.7.8"}})
    assert addresses.of(request) == "10.0.0.1"
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    assert addresses.of(request) == "5.6.7.8"
    settings.TRUSTED_PROXIES = ["10.0.0.1", "5.6.7.8"]
    assert addresses.of(request) == "1.2.3.4"


def test_the_other_ways_in_count_too(api: Api, demo: User, settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 3
    passwords = {"user": {"password": "n", "original_password": "x"}}
    assert api.call("post", f"/v3/users/{demo.pk}/password", passwords).status_code == 401
    v2 = {"auth": {"passwordCredentials": {"username": "demo", "password": "x"}}}
    assert api.call("post", "/v2.0/tokens", v2).status_code == 401
    Client().post("/admin/login/", {"username": "demo", "password": "x"})
    assert api.sign_in(password_body()).status_code == 401
    assert AuditEvent.objects.filter(action="authenticate", outcome="failure").count() == 3


def test_secrets_of_application_credentials_count_for_their_user(
    api: Api, as_demo: Api, demo: User, settings: Any
) -> None:
    """Failures counted per address only: a chosen secret could be guessed from many addresses."""
    settings.LOCKOUT_FAILURES = 3
    path = f"/v3/users/{demo.pk}/application_credentials"
    made = as_demo.call("post", path, {"application_credential": {"name": "ci", "secret": "s"}}).json()
    pk = made["application_credential"]["id"]

    def sign_in(secret: str, name: str = pk) -> Any:
        given = {"id": name, "secret": secret}
        return api.sign_in(
            {"auth": {"identity": {"methods": ["application_credential"], "application_credential": given}}}
        )

    unknown = sign_in("x", "nobody's")
    wrong = [sign_in(secret) for secret in ("x", "y")]
    assert sign_in("s").status_code == 201
    assert KnownAddress.objects.get(user=demo).failures == 2  # a program that signs in all day gives no new tries
    wrong.append(sign_in("z"))
    locked = [sign_in("s"), api.sign_in(password_body())]
    assert {answer.content for answer in (unknown, *wrong, *locked)} == {unknown.content}
    assert unknown.status_code == 401
    reasons = AuditEvent.objects.filter(outcome="failure").values_list("details__reason", flat=True)
    assert list(reasons) == ["application credential"] * 3
    KnownAddress.objects.update(failed_at="2020-01-01T00:00:00Z")
    assert sign_in("s").status_code == 201


class Places:
    """Sign-ins of demo from several addresses."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def sign_in(self, address: str, password: str = PASSWORD) -> int:
        post = self.api.client.post
        body = password_body(password=password)
        answer = post("/identity/v3/auth/tokens", body, content_type="application/json", REMOTE_ADDR=address)
        return int(answer.status_code)

    def fail(self, address: str, times: int) -> None:
        assert {self.sign_in(address, "wrong") for _ in range(times)} == {401}


def test_nobody_locks_a_user_out_of_its_own_addresses(api: Api, demo: User, settings: Any) -> None:
    """Anybody could lock the administrator out by sending ten wrong passwords again and again."""
    settings.LOCKOUT_FAILURES = 3
    places = Places(api)
    assert places.sign_in("192.0.2.1") == 201
    for stranger in ("198.51.100.1", "198.51.100.2", "203.0.113.3"):
        places.fail(stranger, 2)
    assert places.sign_in("198.51.100.1") == 401, "a locked user, for an address that is not its own"
    assert places.sign_in("192.0.2.1") == 201
    assert places.sign_in("198.51.100.1") == 401, "its own sign-in opens no door for strangers"
    User.objects.update(failed_auth_at="2020-01-01T00:00:00Z")
    assert places.sign_in("198.51.100.9") == 201


def test_an_own_address_is_locked_by_itself(api: Api, demo: User, settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 3
    places = Places(api)
    assert [places.sign_in(address) for address in ("192.0.2.1", "192.0.2.2")] == [201, 201]
    places.fail("192.0.2.1", 3)
    assert places.sign_in("192.0.2.1") == 401
    assert places.sign_in("192.0.2.2") == 201
    users.update(user_id=demo.pk, changes={"password": PASSWORD})
    assert places.sign_in("192.0.2.1") == 201, "a new password unlocks"


def test_addresses_are_forgotten(api: Api, demo: User, settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 1
    places = Places(api)
    for number in range(KNOWN_ADDRESSES + 2):
        assert places.sign_in(f"192.0.2.{number}") == 201
    assert KnownAddress.objects.filter(user=demo).count() == KNOWN_ADDRESSES
    assert "192.0.2" not in str(list(KnownAddress.objects.values()))
    KnownAddress.objects.update(seen_at="2020-01-01T00:00:00Z")
    places.fail("198.51.100.1", 1)
    assert places.sign_in("192.0.2.5") == 401, "an address of long ago is a stranger's"


def test_strangers_write_no_rows(api: Api, cloud: None, settings: Any) -> None:
    before = (AuditEvent.objects.count(), AddressSlot.objects.count())
    for number in range(5):
        api.sign_in(password_body(f"stranger{number}", "x"))
    assert (AuditEvent.objects.count(), AddressSlot.objects.count()) == before
    assert throttling.has_all_slots()
    assert before[1] == ADDRESS_SLOTS


def test_failures_of_one_user_are_recorded_a_few_times_only(api: Api, demo: User, settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 0
    for _ in range(throttling.RECORDED_FAILURES + 3):
        api.sign_in(password_body(password="x"))
    assert AuditEvent.objects.filter(outcome="failure").count() == throttling.RECORDED_FAILURES


def test_former_passwords(api: Api, demo: User, settings: Any) -> None:
    settings.PASSWORD_HISTORY = 2

    def change(old: str, new: str) -> int:
        body = {"user": {"password": new, "original_password": old}}
        return int(api.call("post", f"/v3/users/{demo.pk}/password", body).status_code)

    assert change(PASSWORD, "two") == 204
    assert change("two", PASSWORD) == 400
    assert change("two", "three") == 204
    assert change("three", "four") == 204
    assert change("four", PASSWORD) == 204
    assert FormerPassword.objects.count() == 2


def test_passwords_expire_and_can_be_changed_then(api: Api, demo: User, settings: Any) -> None:
    settings.PASSWORD_EXPIRES_DAYS = 30
    users.update(user_id=demo.pk, changes={"password": "new"})
    token = api.sign_in(password_body(password="new")).json()["token"]
    assert token["user"]["password_expires_at"]
    User.objects.update(password_expires_at="2020-01-01T00:00:00Z")
    assert api.sign_in(password_body(password="new")).status_code == 401
    body = {"user": {"password": "newer", "original_password": "new"}}
    assert api.call("post", f"/v3/users/{demo.pk}/password", body).status_code == 204
    assert api.sign_in(password_body(password="newer")).status_code == 201
    User.objects.update(password_expires_at="2020-01-01T00:00:00Z", options={"ignore_password_expiry": True})
    assert api.sign_in(password_body(password="newer")).status_code == 201


def test_a_password_that_others_chose_is_for_one_use(api: Api, demo: User, settings: Any) -> None:
    settings.PASSWORD_CHANGE_AT_FIRST_USE = True
    users.update(user_id=demo.pk, changes={"password": "new"})
    assert api.sign_in(password_body(password="new")).status_code == 401
    users.change_password(user_id=demo.pk, original="new", password="own")
    assert api.sign_in(password_body(password="own")).status_code == 201


def test_the_operators_expression(demo: User, settings: Any) -> None:
    from apps.identity.exceptions import Invalid

    settings.PASSWORD_REGEX = r"^(?=.*\d).{8,}$"
    with pytest.raises(Invalid):
        users.update(user_id=demo.pk, changes={"password": "short"})
    users.update(user_id=demo.pk, changes={"password": "long enough 1"})
