"""Extra specs of types against what back ends can do: Cinder's operators, a case a line."""

from typing import Any

import pytest

from apps.volumes.selectors import capabilities

CASES = (
    (5, "5", True), (5, "6", False), (5, "= 4", True), (5, "= 6", False), (5, "== 5", True), (5, "!= 5", False),
    (5, ">= 5", True), (5, "<= 4", False), (5, ">=", False), (5, ">= many", False), ("ceph", ">= 1", False),
    (True, "<is> True", True), (True, "<is> no", False), (False, "<is> False", True), (True, "<is>", False),
    (True, "true", True), ((True, False), "<is> False", True), ("ceph", "ceph", True), ("ceph", "Ceph", False),
    ("ceph", "<in> ep", True), ("ceph", "<in> x", False), ("ceph", "<or> file <or> ceph", True),
    ("nfs", "<or> file <or> ceph", False), ("b", "s> a", True), ("b", "s!= b", False), ("b", "s== b", True),
    ("b", "", False),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_operators(case: tuple[Any, str, bool]) -> None:
    offered, wanted, expected = case
    assert capabilities.matches(offered, wanted) is expected


def test_unmet(settings: Any) -> None:
    settings.VOLUME_BACKENDS = {"ssd": {"kind": "local", "path": "/srv"}, "rbd": {"kind": "ceph", "path": "p"}}
    specs = {
        "volume_backend_name": "rbd",
        "capabilities:storage_protocol": "<or> ceph <or> iscsi",
        "multiattach": "<is> True",
        "RESKEY:availability_zones": "az1",
        "vendor:tier": "gold",
        "free_capacity_gb": ">= 10",
    }
    assert capabilities.unmet(specs, backend="rbd") == []
    assert capabilities.unmet({"thin_provisoning": "<is> True"}, backend="rbd") == ["thin_provisoning <is> True"]
    missing = ["volume_backend_name rbd", "storage_protocol <or> ceph <or> iscsi"]
    assert capabilities.unmet(specs, backend="ssd") == missing
    amounts = dict.fromkeys(capabilities.AMOUNTS, 9)
    assert capabilities.unmet_amounts(specs, amounts) == ["free_capacity_gb >= 10"]
    assert capabilities.unmet_amounts(specs, {**amounts, "free_capacity_gb": 10}) == []
