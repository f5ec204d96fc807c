"""Key pairs over HTTP."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key
from cryptography.x509 import load_pem_x509_certificate

from apps.compute.models import KeyPair
from apps.quotas.models import Limit, Reservation, Usage

pytestmark = pytest.mark.django_db

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF5G7A9BYGIyslR7KlRKB91W8EfWXUsD/as6gyYgu3h5 me@here"


def body(name: str = "k", **more: Any) -> dict[str, Any]:
    return {"keypair": {"name": name, "public_key": KEY, **more}}


def in_use(caller: Any) -> int:
    usage = Usage.objects.filter(owner_id=caller.project_id, resource="key_pairs").first()
    assert usage is None or usage.reserved == 0
    return usage.in_use if usage else 0


def test_import_by_version(alice: Any) -> None:
    old = alice.post("/os-keypairs", body("a"))
    assert old.status_code == 200
    assert set(old.json()["keypair"]) == {"name", "public_key", "fingerprint", "user_id"}
    new = alice.at("2.2").post("/os-keypairs", body("b", type="ssh"))
    assert new.status_code == 201 and new.json()["keypair"]["type"] == "ssh"
    assert alice.post("/os-keypairs", body("c", type="ssh")).status_code == 400
    shown = alice.get("/os-keypairs/a").json()["keypair"]
    assert set(shown) == {
        "name", "public_key", "fingerprint", "user_id", "id", "created_at", "deleted", "deleted_at", "updated_at"
    }  # fmt: skip
    assert [k["keypair"]["name"] for k in alice.get("/os-keypairs").json()["keypairs"]] == ["a", "b"]
    assert alice.delete("/os-keypairs/a").status_code == 202
    assert alice.at("2.2").delete("/os-keypairs/b").status_code == 204
    assert alice.delete("/os-keypairs/b").status_code == 404
    assert in_use(alice) == 0 and not Reservation.objects.exists()


def test_generated_keys_are_shown_once(alice: Any) -> None:
    made = alice.post("/os-keypairs", {"keypair": {"name": "g"}}).json()["keypair"]
    assert made["private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    private = load_ssh_private_key(made["private_key"].encode(), None)
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    text = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert made["public_key"].startswith(text)
    assert "private_key" not in alice.get("/os-keypairs/g").json()["keypair"]
    assert "PRIVATE" not in KeyPair.objects.get().public_key
    assert alice.at("2.92").post("/os-keypairs", {"keypair": {"name": "h"}}).status_code == 400


def test_x509(alice: Any) -> None:
    made = alice.at("2.2").post("/os-keypairs", {"keypair": {"name": "w", "type": "x509"}}).json()["keypair"]
    certificate = load_pem_x509_certificate(made["public_key"].encode())
    key = load_pem_private_key(made["private_key"].encode(), None)
    assert certificate.public_key() == key.public_key()
    again = alice.at("2.2").post("/os-keypairs", body("v", type="x509", public_key=made["public_key"]))
    assert again.json()["keypair"]["fingerprint"] == made["fingerprint"]
    assert alice.at("2.2").post("/os-keypairs", body("u", type="x509")).status_code == 400


@pytest.mark.parametrize("name", ["", " ", " a", "a/b", "a@b", "a.b", "ü", "a\nb", "a" * 256, 5, None])
def test_bad_names(alice: Any, name: object) -> None:
    answer = alice.post("/os-keypairs", {"keypair": {"name": name, "public_key": KEY}})
    assert answer.status_code == 400 and "name" in answer.json()["badRequest"]["message"].lower()


def test_names_from_2_92_on(alice: Any) -> None:
    assert alice.at("2.92").post("/os-keypairs", body("a@b.c")).status_code == 201
    assert alice.at("2.92").post("/os-keypairs", body("a/b")).status_code == 400


@pytest.mark.parametrize(
    "key",
    [
        "",
        "rubbish",
        "ssh-rsa",
        "ssh-rsa !!!!",
        "ssh-rsa AAAA",
        "ssh-rsa " + base64.b64encode(b"\0\0\0\x07ssh-rsa").decode(),
        "ssh-ed25519 " + KEY.split()[1][:-8],
        KEY.replace("ssh-ed25519", "ssh-rsa"),
        KEY + "\nssh-ed25519 AAAA second",
        'command="x" ' + KEY,
        KEY + "\0",
        "x" * 20000,
        None,
        7,
    ],
)
def test_bad_keys_write_nothing(alice: Any, key: object) -> None:
    answer = alice.at("2.92").post("/os-keypairs", body(public_key=key))
    assert answer.status_code == 400
    assert not KeyPair.objects.exists() and in_use(alice) == 0


def test_a_name_twice(alice: Any, bob: Any) -> None:
    assert alice.post("/os-keypairs", body()).status_code == 200
    assert alice.post("/os-keypairs", body()).status_code == 409
    assert bob.post("/os-keypairs", body()).status_code == 200
    assert in_use(alice) == 1


def test_other_users(alice: Any, bob: Any, admin: Any) -> None:
    alice.post("/os-keypairs", body())
    assert bob.get("/os-keypairs/k").status_code == 404
    assert bob.get("/os-keypairs").json()["keypairs"] == []
    assert bob.at("2.10").get("/os-keypairs", user_id=alice.project_id).status_code == 403
    assert bob.at("2.10").get(f"/os-keypairs/k?user_id={alice.project_id}").status_code == 403
    assert bob.at("2.10").delete(f"/os-keypairs/k?user_id={alice.project_id}").status_code == 403
    assert bob.at("2.10").post("/os-keypairs", body("x", user_id=alice.project_id)).status_code == 403
    assert admin.at("2.9").get("/os-keypairs", user_id=alice.project_id).json()["keypairs"] == []
    assert len(admin.at("2.10").get("/os-keypairs", user_id=alice.project_id).json()["keypairs"]) == 1
    assert admin.at("2.10").post("/os-keypairs", body("x", user_id=alice.project_id)).status_code == 201
    assert in_use(alice) == 2
    assert admin.at("2.10").delete(f"/os-keypairs/k?user_id={alice.project_id}").status_code == 204
    assert in_use(alice) == 1 and in_use(admin) == 0


def test_pages(alice: Any, django_assert_num_queries: Any) -> None:
    for n in range(5):
        KeyPair.objects.create(user_id=alice.project_id, name=f"k{n}", public_key="x", fingerprint="f")
    early = alice.at("2.10").get("/os-keypairs", limit=2, marker="k2").json()  # as openstacksdk pages
    assert [k["keypair"]["name"] for k in early["keypairs"]] == ["k3", "k4"] and "keypairs_links" not in early
    first = alice.at("2.35").get("/os-keypairs", limit=2).json()
    assert [k["keypair"]["name"] for k in first["keypairs"]] == ["k0", "k1"]
    assert "marker=k1" in first["keypairs_links"][0]["href"]
    last = alice.at("2.35").get("/os-keypairs", limit=2, marker="k3").json()
    assert [k["keypair"]["name"] for k in last["keypairs"]] == ["k4"] and "keypairs_links" not in last
    assert alice.at("2.35").get("/os-keypairs", marker="nope").status_code == 400
    assert alice.at("2.75").get("/os-keypairs", bogus=1).status_code == 400
    with django_assert_num_queries(1):
        alice.at("2.35").get("/os-keypairs")


def test_quota(alice: Any) -> None:
    Limit.objects.create(owner_id=alice.project_id, resource="key_pairs", value=1)
    assert alice.post("/os-keypairs", body("a")).status_code == 200
    refused = alice.post("/os-keypairs", body("b"))
    assert refused.status_code == 403
    assert "key_pairs" in refused.json()["forbidden"]["message"]
    assert KeyPair.objects.count() == 1 and in_use(alice) == 1
    alice.delete("/os-keypairs/a")
    assert alice.post("/os-keypairs", body("b")).status_code == 200
