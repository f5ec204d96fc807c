"""CELERITY_VOLUME_BACKENDS, and the stores of disks and images, as they are written."""

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from cloud import host_settings, stores, volume_backends


def test_all_kinds() -> None:
    assert volume_backends.read(
        ["local", "ssd=local:/srv/ssd", " nfs=shared:/srv/v", "ceph", "fast=ceph:fast.pool"]
    ) == {
        "local": {"kind": "local", "path": ""},
        "ssd": {"kind": "local", "path": "/srv/ssd"},
        "nfs": {"kind": "shared", "path": "/srv/v"},
        "ceph": {"kind": "ceph", "path": "volumes"},
        "fast": {"kind": "ceph", "path": "fast.pool"},
    }


@pytest.mark.parametrize(
    "texts",
    [
        ["ssd"], ["local=local:/srv"], ["a=local:srv"], ["a=ceph:/srv"], ["a=ceph:"], ["a=tape:/x"], ["Ä"], [""],
        ["local", "local"], ["a=local:/x", "b=shared:/x/"], ["ceph", "again=ceph:volumes"],
    ],
)  # fmt: skip
def test_what_is_refused(texts: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured):
        volume_backends.read(texts)


def test_stores() -> None:
    texts = {"": "", "local": "", "rbd://disks": "disks", "rbd://my.disks/": "my.disks"}
    assert {text: stores.pool_of("X", text) for text in texts} == texts
    for text in ("disks", "rbd:disks", "rbd://", "rbd://a/b", "rbd:///a", "/var", "rbd://-a"):
        with pytest.raises(ImproperlyConfigured, match="X: "):
            stores.pool_of("X", text)
    stores.check("", volume_backends.read(["local"]))
    stores.check("disks", volume_backends.read(["ceph", "ssd=local:/srv"]))
    with pytest.raises(ImproperlyConfigured, match="back end `local` has no share"):
        stores.check("disks", volume_backends.read(["local", "ceph"]))


@pytest.mark.parametrize(
    ("mode", "model", "features", "chosen"),
    [
        ("", "", "", {}),
        ("", "Westmere", "", {"cpu_mode": "custom", "cpu_model": "Westmere"}),
        ("", "", "+pcid, -hle", {"cpu_features": ("pcid", "-hle")}),
        ("custom", "Westmere", "", {"cpu_mode": "custom", "cpu_model": "Westmere"}),
        ("host-passthrough", "", "", {"cpu_mode": "host-passthrough"}),
        ("", "", "sse4.1", {"cpu_features": ("sse4.1",)}),
        ("custom", "", "", None), ("host-model", "Westmere", "", None), ("none", "", "", None),
        ("", "<x>", "", None), ("", "", "--aes", None),
    ],
)  # fmt: skip
def test_processor(
    monkeypatch: pytest.MonkeyPatch, mode: str, model: str, features: str, chosen: dict[str, object] | None
) -> None:
    for name, text in (("MODE", mode), ("MODEL", model), ("FEATURES", features)):
        monkeypatch.setenv(f"CELERITY_CPU_{name}", text)
    if chosen is not None:
        assert host_settings.processor(environ.Env()) == chosen
        return
    with pytest.raises(ImproperlyConfigured):
        host_settings.processor(environ.Env())


def test_pci_devices() -> None:
    assert host_settings.pci_aliases(["gpu=10DE:1eb8", " gpu=10de:1e07"]) == {"gpu": ("10de:1eb8", "10de:1e07")}
    assert host_settings.pci_devices(["10de:1EB8", "0000:3b:00.0"]) == ("10de:1eb8", "0000:3b:00.0")
    for wrong in ("gpu", "=10de:1eb8", "a:b=10de:1eb8", "gpu=10de", "gpu=10de:zzzz"):
        with pytest.raises(ImproperlyConfigured):
            host_settings.pci_aliases([wrong])
    for wrong in ("3b:00.0", "gpu", "0000:3b:00.9"):
        with pytest.raises(ImproperlyConfigured):
            host_settings.pci_devices([wrong])
