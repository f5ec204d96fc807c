"""The simulated network engine keeps the contract, and fails as planned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.drivers import engine_contract
from tests.unit.drivers.engine_contract import EngineContract
from tests.unit.drivers.rules_contract import RulesContract
from workers.drivers.errors import RetryableError
from workers.drivers.network import loader
from workers.drivers.network.base.engine import NetworkEngine


@pytest.fixture
def engine(tmp_path: Path) -> NetworkEngine:
    return loader.load_engine("simulated", {"state_dir": tmp_path, "plan_file": tmp_path / "plan.json"})


class TestContract(EngineContract):
    """See EngineContract."""


class TestRules(RulesContract):
    """See RulesContract."""


def test_a_port_is_up_at_once(engine: NetworkEngine) -> None:
    network = engine_contract.network()
    engine.l2.ensure_ports(network, [engine_contract.port(network)])
    assert [port.up for port in engine.l2.list_ports()] == [True]


def test_a_planned_fault(engine: NetworkEngine, tmp_path: Path) -> None:
    fault = {"op": "ensure_ports", "host": "network", "error": "retryable", "times": 1}
    (tmp_path / "plan.json").write_text(json.dumps({"faults": [fault]}))
    network = engine_contract.network()
    with pytest.raises(RetryableError):
        engine.l2.ensure_ports(network, [engine_contract.port(network)])
    engine.l2.ensure_ports(network, [engine_contract.port(network)])
