"""What the tests of the network service say over HTTP."""

from typing import Any

from tests.callers import Caller


def refusal(response: Any) -> tuple[int, str, str]:
    error = response.json()["NeutronError"]
    assert set(error) == {"type", "message", "detail"}
    return response.status_code, error["type"], error["message"]


def make(who: Caller, noun: str, **values: Any) -> Any:
    response = who.post(f"/{noun.replace('_', '-')}s", {noun: values})
    assert response.status_code == 201, response.content
    return response.json()[noun]
