"""Parallel test processes share neither a broker's database nor a state directory."""

from deploy.testworker import separate


def test_each_worker_has_its_own() -> None:
    shared = {"CELERITY_BROKER_URL": "redis://:pw@127.0.0.1:7000/0", "CELERITY_STATE_DIR": "/var/lib/state"}
    assert separate("gw0", shared) == {
        "CELERITY_BROKER_URL": "redis://:pw@127.0.0.1:7000/1",
        "CELERITY_STATE_DIR": "/var/lib/state/gw0",
    }
    assert separate("gw1", shared)["CELERITY_BROKER_URL"].endswith("/2")
