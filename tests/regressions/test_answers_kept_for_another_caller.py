"""No cache may give one caller of identity another one's answer: only answers with a token forbade it."""

import pytest
from django.test import Client


def vary(method: str, path: str, **headers: str) -> list[str]:
    answer = getattr(Client(raise_request_exception=False), method)(f"/identity{path}", headers=headers)
    return [part.strip() for part in answer.get("Vary", "").split(",")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("get", "/v3"),
        ("get", "/v2.0"),
        ("get", "/v3/users"),
        ("head", "/v3/users/x"),
        ("post", "/v3/auth/tokens"),
        ("post", "/v2.0/tokens"),
        ("put", "/v3"),
        ("get", "/v3/nothing"),
        ("get", "/v3/users?name=%00"),
        ("get", "/v3/users\x00"),
    ],
)
def test_identity(method: str, path: str) -> None:
    found = vary(method, path)
    assert found.count("X-Auth-Token") == 1
    assert "" not in found


@pytest.mark.django_db
def test_it_is_added_to_what_else_an_answer_varies_by() -> None:
    assert {"Accept", "X-Auth-Token"} <= set(vary("get", "/v3"))


@pytest.mark.django_db
def test_other_services_say_for_themselves() -> None:
    answer = Client().get("/image/v2/images")
    assert "X-Auth-Token" not in answer.get("Vary", "")
