"""EC2 keys: signatures, their times, who may ask about them, and no replay (security class 8)."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet

from apps.common.exceptions import Unavailable
from apps.common.models import AuditEvent
from apps.identity import keys
from apps.identity.models import Credential, Domain, Project, Role, RoleAssignment, User
from apps.identity.services import credentials, ec2_tokens, users
from tests.unit.identity.dialogue import PASSWORD, Api, password_body, project_scope

pytestmark = pytest.mark.django_db
BODY_HASH = hashlib.sha256(b"").hexdigest()


@pytest.fixture
def key(as_demo: Api, demo: User, project: Project) -> dict[str, Any]:
    answer = as_demo.call("post", f"/v3/users/{demo.pk}/credentials/OS-EC2", {"tenant_id": project.pk})
    assert answer.status_code == 201
    return dict(answer.json()["credential"])


@pytest.fixture
def service(cloud: None) -> Api:
    user = users.create(values={"name": "svc", "password": PASSWORD}, default_domain_id="default")
    RoleAssignment.objects.create(
        user=user, project=Project.objects.get(name="service"), role=Role.objects.get(name="service")
    )
    api = Api()
    api.token = api.sign_in(password_body("svc", scope=project_scope("service")))["X-Subject-Token"]
    return api


def signed(
    key: dict[str, Any],
    *,
    age: timedelta = timedelta(),
    path: str = "/",
    verb: str = "GET",
    action: str = "RunInstances",
    **changes: Any,
) -> dict[str, Any]:
    moment = datetime.now(UTC) - age
    scope = f"{moment:%Y%m%d}/RegionOne/ec2/aws4_request"
    names = ["host", "x-amz-date"]
    headers = {"host": "cloud:8788", "x-amz-date": f"{moment:%Y%m%dT%H%M%SZ}"}
    parts = {"access": key["access"], "verb": verb, "path": path, "params": {"Action": action} if action else {}}
    request = ec2_tokens.SignedRequest(**parts, signature="", headers=headers, body_hash=BODY_HASH)
    text = ec2_tokens.signature_of(key["secret"], scope, moment, ec2_tokens.canonical(request, names))
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key['access']}/{scope}, SignedHeaders={';'.join(names)}, Signature={text}"
    )
    return {"credentials": {**parts, "signature": text, "headers": headers, "body_hash": BODY_HASH, **changes}}


def test_the_reference_signature() -> None:
    """The example of AWS's documentation of Signature Version 4 (get-vanilla of its test suite)."""
    request = ec2_tokens.SignedRequest(
        access="AKIDEXAMPLE",
        signature="",
        verb="GET",
        path="/",
        params={},
        headers={"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"},
        body_hash=BODY_HASH,
    )
    found = ec2_tokens.signature_of(
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "20150830/us-east-1/service/aws4_request",
        datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
        ec2_tokens.canonical(request, ["host", "x-amz-date"]),
    )
    assert found == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


def test_a_signed_request_gives_a_token_once(service: Api, key: dict[str, Any], demo: User, project: Project) -> None:
    body = signed(key)
    answer = service.call("post", "/v3/ec2tokens", body)
    assert answer.status_code == 200, answer.content
    token = answer.json()["token"]
    assert (token["user"]["id"], token["project"]["id"], token["methods"]) == (demo.pk, project.pk, ["ec2credential"])
    assert answer["X-Subject-Token"]
    assert service.call("post", "/v3/ec2tokens", body).status_code == 401


@pytest.mark.parametrize(
    ("verb", "action", "again"),
    [
        ("GET", "DescribeInstances", 200),
        ("POST", "GetConsoleOutput", 200),
        ("GET", "", 200),
        ("GET", "TerminateInstances", 401),
        ("POST", "", 401),
        ("", "", 401),
    ],
)
def test_equal_requests_have_one_signature(
    service: Api, key: dict[str, Any], verb: str, action: str, again: int
) -> None:
    """Two equal requests within a second have one signature: the second, which only reads, was refused as a replay.
    Keystone treats an empty verb like any other."""
    body = signed(key, verb=verb, action=action)
    codes = [service.call("post", "/v3/ec2tokens", body).status_code for _ in range(2)]
    assert codes == [200, again]


def test_a_key_opens_nothing_without_a_role(service: Api, as_admin: Api, demo: User, project: Project) -> None:
    """Keystone makes one for any user and project; rights are checked when it is used."""
    other = users.create(values={"name": "other", "password": PASSWORD}, default_domain_id="default")
    path = f"/v3/users/{other.pk}/credentials/OS-EC2"
    made = as_admin.call("post", path, {"tenant_id": project.pk})
    assert made.status_code == 201
    assert as_admin.call("post", path, {"tenant_id": "nowhere"}).status_code == 404
    assert service.call("post", "/v3/ec2tokens", signed(made.json()["credential"], path="/1")).status_code == 401
    RoleAssignment.objects.create(user=other, project=project, role=Role.objects.get(name="reader"))
    assert service.call("post", "/v3/ec2tokens", signed(made.json()["credential"], path="/2")).status_code == 200


def test_an_access_key_that_its_owner_changes(
    service: Api, as_demo: Api, key: dict[str, Any], project: Project
) -> None:
    pk = hashlib.sha256(key["access"].encode()).hexdigest()

    def patch(access: str, secret: str, **more: Any) -> Any:
        blob = f'{{"access": "{access}", "secret": "{secret}"}}'
        return as_demo.call("patch", f"/v3/credentials/{pk}", {"credential": {"blob": blob, "type": "ec2", **more}})

    same = patch(key["access"], "two", project_id=project.pk, user_id=key["user_id"])
    assert (same.status_code, same.json()["credential"]["id"]) == (200, pk)
    assert service.call("post", "/v3/ec2tokens", signed({**key, "secret": "two"}, path="/1")).status_code == 200
    other = patch("another", "three").json()["credential"]
    assert (other["id"], other["blob"]) == (pk, '{"access": "another", "secret": "three"}')
    now = {"access": "another", "secret": "three"}
    assert service.call("post", "/v3/ec2tokens", signed(now, path="/2")).status_code == 200
    assert service.call("post", "/v3/ec2tokens", signed({**key, "secret": "three"}, path="/3")).status_code == 401
    owner = f"/v3/users/{key['user_id']}/credentials/OS-EC2"
    assert as_demo.call("get", f"{owner}/another").json()["credential"]["secret"] == "three"
    second = as_demo.call("post", owner, {"tenant_id": project.pk}).json()["credential"]
    assert patch(second["access"], "stolen").status_code == 409
    for change in ({"user_id": "x"}, {"project_id": "x"}, {"type": "cert"}):
        assert patch("another", "three", **change).status_code == 400, change


def test_only_services_may_ask(api: Api, as_demo: Api, key: dict[str, Any]) -> None:
    """OSSA 2025-002."""
    assert api.call("post", "/v3/ec2tokens", signed(key)).status_code == 401
    assert as_demo.call("post", "/v3/ec2tokens", signed(key)).status_code == 403


def test_what_is_refused(service: Api, key: dict[str, Any], demo: User) -> None:
    presigned = signed(key)
    query = {"X-Amz-Signature": presigned["credentials"]["signature"], "X-Amz-Algorithm": "AWS4-HMAC-SHA256"}
    refused = {
        "old": signed(key, age=timedelta(minutes=16)),
        "from the future": signed(key, age=timedelta(minutes=-16)),
        "another path": signed(key, path="/a") | {},
        "another verb": signed(key) | {},
        "another query": signed(key, params={"Action": "TerminateInstances"}),
        "another body": signed(key, body_hash="0" * 64),
        "another signature": signed(key, signature="0" * 64),
        "unknown key": signed({**key, "access": "f" * 32}),
        "wrong secret": signed({**key, "secret": "x"}),
        "no header": signed(key, headers={}),
        "presigned": signed(key, headers={"host": "cloud:8788"}, params=query),
    }
    refused["another path"]["credentials"]["path"] = "/b"
    refused["another verb"]["credentials"]["verb"] = "DELETE"
    answers = {name: service.call("post", "/v3/ec2tokens", body) for name, body in refused.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(refused, 401)
    assert len({answer.content for answer in answers.values()}) == 1


def test_the_user_is_asked_about_anew(service: Api, key: dict[str, Any], demo: User, project: Project) -> None:
    """OSSA 2012-018."""
    User.objects.filter(pk=demo.pk).update(enabled=False)
    assert service.call("post", "/v3/ec2tokens", signed(key, path="/1")).status_code == 401
    User.objects.filter(pk=demo.pk).update(enabled=True)
    assert service.call("post", "/v3/ec2tokens", signed(key, path="/2")).status_code == 200
    RoleAssignment.objects.filter(user=demo).delete()
    assert service.call("post", "/v3/ec2tokens", signed(key, path="/3")).status_code == 401


@pytest.mark.parametrize("place", ["project", "domain of the user", "domain of the project"])
def test_its_places_are_asked_about_anew(
    service: Api, demo: User, other_domain: Domain, place: str, grant: Any, role: Any
) -> None:
    """A disabled project or domain gives no token, and its earlier tokens are invalid."""
    project = Project.objects.create(name="within", domain=other_domain, parent=other_domain)
    home = Domain.objects.create(name="home")
    User.objects.filter(pk=demo.pk).update(domain_id=home.pk)
    grant(user=demo, project=project, role=role("member"))
    pair = {"access": "a" * 32, "secret": "s" * 32}
    blob = credentials.seal(f'{{"access": "{pair["access"]}", "secret": "{pair["secret"]}"}}')
    pk = hashlib.sha256(pair["access"].encode()).hexdigest()
    Credential.objects.create(id=pk, access_hash=pk, user=demo, project=project, type="ec2", blob=blob)
    given = service.call("post", "/v3/ec2tokens", signed(pair, path="/1"))
    assert given.status_code == 200
    subject = {"X-Subject-Token": given["X-Subject-Token"]}
    assert service.call("get", "/v3/auth/tokens", **subject).status_code == 200
    which = {"project": project.pk, "domain of the user": home.pk, "domain of the project": other_domain.pk}[place]
    Project.objects.filter(pk=which).update(enabled=False)
    assert service.call("post", "/v3/ec2tokens", signed(pair, path="/2")).status_code == 401
    assert service.call("get", "/v3/auth/tokens", **subject).status_code == 404
    Project.objects.filter(pk=which).update(enabled=True)
    assert service.call("post", "/v3/ec2tokens", signed(pair, path="/3")).status_code == 200


def test_secrets_are_encrypted_and_keys_rotate(key: dict[str, Any]) -> None:
    row = Credential.objects.get()
    assert key["secret"] not in row.blob
    assert credentials.rotate_keys() == 1
    assert credentials.rotate_keys() == 1
    assert credentials.rotate_keys() == 1
    assert credentials.ec2_parts(Credential.objects.get())[1] == key["secret"]


def test_a_rotation_that_is_cut_short(key: dict[str, Any], settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated, it loses nothing; nor does it where a row cannot be opened."""
    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "bulk_update", lambda *words, **more: 1 / 0)
        for _ in range(4):
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                credentials.rotate_keys()
    assert credentials.rotate_keys() == 1
    assert credentials.ec2_parts(Credential.objects.get())[1] == key["secret"]
    known = sorted(path.name for path in settings.CREDENTIAL_KEY_DIR.iterdir())
    assert len(known) == keys.MAX_ACTIVE_KEYS
    Credential.objects.update(blob="x" * 100)
    with pytest.raises(Unavailable, match="1 credentials cannot be opened"):
        credentials.rotate_keys()
    assert sorted(path.name for path in settings.CREDENTIAL_KEY_DIR.iterdir()) == known


def test_credentials_are_their_owners(as_demo: Api, as_admin: Api, demo: User, admin: User, project: Project) -> None:
    """OSSA 2019-006, 2020-004."""
    body = {"credential": {"type": "cert", "blob": "b", "project_id": project.pk}}
    made = as_demo.call("post", "/v3/credentials", body)
    assert made.status_code == 201
    mine = made.json()["credential"]
    assert mine["user_id"] == demo.pk
    as_admin.call("post", "/v3/credentials", {"credential": {"type": "cert", "blob": "admin's"}})
    assert [row["id"] for row in as_demo.call("get", "/v3/credentials").json()["credentials"]] == [mine["id"]]
    assert len(as_admin.call("get", "/v3/credentials").json()["credentials"]) == 2
    assert as_demo.call("get", f"/v3/credentials?user_id={admin.pk}").json()["credentials"] == []
    path = f"/v3/credentials/{mine['id']}"
    for change in ({"user_id": admin.pk}, {"project_id": "x"}, {"type": "ec2"}):
        assert as_demo.call("patch", path, {"credential": change}).status_code == 400
    assert as_demo.call("patch", path, {"credential": {"blob": "c"}}).json()["credential"]["blob"] == "c"
    foreign = {"credential": {"type": "x", "blob": "y", "user_id": admin.pk}}
    assert as_demo.call("post", "/v3/credentials", foreign).status_code == 403
    assert as_demo.call("delete", path).status_code == 204


def test_it_is_on_record(service: Api, key: dict[str, Any], demo: User) -> None:
    service.call("post", "/v3/ec2tokens", signed(key))
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.action, event.target_id, event.user_name) == ("authenticate", demo.pk, "svc")
