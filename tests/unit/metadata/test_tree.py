"""The tree of documents: every version lists and has what it should, as clients of Nova's and Amazon's expect."""

import json
from typing import Any

import pytest

from apps.metadata import documents, tree
from tests.unit.metadata import samples

OPENSTACK = [
    *("2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27"),
    *("2020-10-14", "latest"),
]
EC2 = [
    *("1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01"),
    *("2009-04-04", "latest"),
]


@pytest.fixture
def bundle(settings: Any) -> dict[str, Any]:
    settings.VENDOR_DATA = ""
    personality = [{"path": "/etc/motd", "contents": "aGVsbG8="}]
    return documents.bundle(samples.server(personality=personality), [samples.port()]) | {"password": ""}


def lines(bundle: dict[str, Any], path: str) -> list[str]:
    return tree.find(bundle, path).content.decode().split("\n")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", EC2),
        ("", EC2),
        ("/ec2", EC2),
        ("/openstack", OPENSTACK),
        ("/openstack/", OPENSTACK),
        ("//openstack//", OPENSTACK),
        ("/openstack/2012-08-10", ["meta_data.json", "user_data"]),
        ("/openstack/2013-04-04/", ["meta_data.json", "user_data", "password"]),
        ("/openstack/2015-10-15", ["meta_data.json", "user_data", "password", "vendor_data.json", "network_data.json"]),
        (
            "/openstack/latest",
            ["meta_data.json", "user_data", "password", "vendor_data.json", "network_data.json", "vendor_data2.json"],
        ),
        ("/latest", ["meta-data/", "user-data"]),
        ("/1.0/meta-data/", ["ami-id", "ami-launch-index", "ami-manifest-path", "hostname", "instance-id", "local-ipv4",
                             "public-keys/", "reservation-id", "security-groups"]),
        ("/2009-04-04/meta-data/placement/", ["availability-zone"]),
        ("/latest/meta-data/public-keys/", ["0=mine"]),
        ("/latest/meta-data/public-keys/0/", ["openssh-key"]),
        ("/latest/meta-data/block-device-mapping", ["ami", "root"]),
        ("/ec2/latest/meta-data/block-device-mapping/root", ["/dev/vda"]),
        ("/latest/meta-data/public-keys/0/openssh-key", ["ssh-ed25519 AAAA"]),
        ("/latest/meta-data/instance-type", ["m1.tiny"]),
        ("/latest/meta-data/instance-id", ["i-abcdef01"]),
        ("/latest/meta-data/hostname", ["web-server"]),
        ("/latest/meta-data/local-ipv4", ["10.0.0.5"]),
        ("/latest/meta-data/placement/availability-zone", ["nova"]),
        ("/latest/meta-data/../meta-data/hostname", ["web-server"]),
        ("/latest/user-data", ["#!/bin/sh", ""]),
        ("/openstack/latest/user_data", ["#!/bin/sh", ""]),
        ("/openstack/content/0000", ["hello"]),
    ],
)  # fmt: skip
def test_what_a_path_names(bundle: dict[str, Any], path: str, expected: list[str]) -> None:
    assert lines(bundle, path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "/openstack/2011-01-01/meta_data.json",
        "/openstack/2012-08-10/network_data.json",
        "/openstack/2013-04-04/vendor_data.json",
        "/openstack/2015-10-15/vendor_data2.json",
        "/openstack/latest/meta_data.json/uuid",
        "/openstack/latest/bundle",
        "/openstack/latest/vendor_request",
        "/openstack/content",
        "/openstack/content/0001",
        "/openstack/content/../../etc/passwd",
        "/1.0/meta-data/placement",
        "/2007-01-19/meta-data/instance-type",
        "/latest/meta-data/public-keys/_name",
        "/latest/meta-data/public-keys/0/_name",
        "/latest/meta-data/hostname/x",
        "/latest/dynamic/instance-identity",
        "/3000-01-01/meta-data",
        "/nonsense",
    ],
)
def test_what_names_nothing(bundle: dict[str, Any], path: str) -> None:
    with pytest.raises(tree.NotFound):
        tree.find(bundle, path)


def test_a_server_without_user_data_and_key(settings: Any) -> None:
    settings.VENDOR_DATA = ""
    bare = documents.bundle(samples.server(user_data="", public_key="", key_name=None), [])
    assert "user_data" not in lines(bare, "/openstack/latest")
    assert lines(bare, "/latest") == ["meta-data/"]
    assert not {"public-keys/", "local-ipv4"} & set(lines(bare, "/latest/meta-data"))
    for path in ("/openstack/latest/user_data", "/latest/user-data", "/latest/meta-data/public-keys"):
        with pytest.raises(tree.NotFound):
            tree.find(bare, path)


def test_keys_of_meta_data_by_version(bundle: dict[str, Any]) -> None:
    old, new = (
        json.loads(tree.find(bundle, f"/openstack/{version}/meta_data.json").content)
        for version in ("2012-08-10", "latest")
    )
    assert new.keys() - old.keys() == {"random_seed", "project_id", "devices"}
    assert (new["uuid"], new["name"], new["hostname"]) == (str(samples.server().id), "Web server", "web-server")
    assert (new["meta"], new["public_keys"]) == ({"role": "web"}, {"mine": "ssh-ed25519 AAAA"})
    assert new["files"] == [{"path": "/etc/motd", "content_path": "/content/0000"}]
    assert new["keys"] == [{"name": "mine", "type": "ssh", "data": "ssh-ed25519 AAAA"}]
    assert "admin_pass" not in new


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/openstack/latest/meta_data.json", "application/json"),
        ("/openstack/latest/user_data", "text/plain; charset=UTF-8"),
        ("/latest/meta-data/", "text/plain; charset=UTF-8"),
        ("/openstack/content/0000", "application/octet-stream"),
    ],
)
def test_kinds(bundle: dict[str, Any], path: str, kind: str) -> None:
    assert tree.find(bundle, path).kind == kind


@pytest.mark.parametrize("name", ["password", "vendor_data2.json"])
def test_documents_that_are_not_in_the_bundle(bundle: dict[str, Any], name: str) -> None:
    assert tree.find(bundle, f"/openstack/latest/{name}") == tree.Document(name=name)
