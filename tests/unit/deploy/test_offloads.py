"""The mode of offloads on a machine: what it means to the datapath, who may join, what a further host follows."""

from pathlib import Path

import pytest

from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.ovn import datapath, offloads, places, settings
from tests.unit.deploy.test_ovn import cloud


@pytest.mark.parametrize(
    ("kind", "offloads", "version", "whole"),
    [
        ("system", "multi-host", (3, 1, 0), True),
        ("netdev", "single-host", (3, 1, 0), True),
        ("netdev", "multi-host", (3, 1, 0), False),
        ("netdev", "multi-host", (3, 4, 9), False),
        ("netdev", "multi-host", (3, 5, 0), True),
    ],
)
def test_offloads(kind: str, offloads: str, version: tuple[int, ...], whole: bool) -> None:
    assert datapath.segmentation(kind, offloads, version) is whole


@pytest.mark.parametrize(
    ("remote", "offloads", "version", "refused"),
    [
        ("ssl:192.0.2.1:6642", "single-host", (3, 1, 0), True),
        ("ssl:192.0.2.1:6642", "multi-host", (3, 1, 0), False),
        ("ssl:192.0.2.1:6642", "single-host", (3, 5, 0), False),
        ("", "single-host", (3, 1, 0), False),
    ],
)
def test_a_host_whose_tunnels_drop_segments_does_not_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remote: str, offloads: str, version: tuple[int, ...], refused: bool
) -> None:
    monkeypatch.setattr(datapath, "version", lambda: version)
    joining = cloud(
        tmp_path, SOUTHBOUND=remote, NETDEV_OFFLOADS=offloads, DATAPATH="netdev", TUNNEL_ADDRESS="192.0.2.2"
    )
    if refused:
        with pytest.raises(DeployError, match=r"before 3\.5"):
            datapath.choose(settings.read(joining), places.of(joining))
    else:
        assert datapath.choose(settings.read(joining), places.of(joining)).kind == "netdev"


@pytest.mark.parametrize(
    ("said", "mode", "version", "followed"),
    [
        ("multi-host\n", "single-host", (3, 1, 0), "multi-host"),
        ("single-host\n", "multi-host", (3, 1, 0), "single-host"),
        ("multi-host\n", "single-host", (3, 5, 0), "single-host"),
        (None, "multi-host", (3, 1, 0), "multi-host"),
        ("nonsense", "multi-host", (3, 1, 0), "multi-host"),
    ],
)
def test_a_further_host_follows_the_clouds_mode(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str | None,
    mode: str,
    version: tuple[int, ...],
    followed: str,
) -> None:
    def run(_environment: Environment, *_arguments: str, timeout: float) -> str:
        if said is None:
            raise DeployError("The database is away.")
        return said

    monkeypatch.setattr(datapath, "version", lambda: version)
    monkeypatch.setattr(offloads.manage, "run", run)
    joining = cloud(
        tmp_path, SOUTHBOUND="ssl:192.0.2.1:6642", NETDEV_OFFLOADS=mode, DATAPATH="netdev", TUNNEL_ADDRESS="192.0.2.2"
    )
    joining.file.write_text(f"CELERITY_HOST=h1\nCELERITY_NETDEV_OFFLOADS={mode}\n")
    assert offloads.follow(joining)["CELERITY_NETDEV_OFFLOADS"] == followed
    assert f"CELERITY_NETDEV_OFFLOADS={followed}" in joining.file.read_text()
