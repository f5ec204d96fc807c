"""What the API answers before its workers are forked: reads of the operator, which leave nothing behind."""

import pytest
from django.db import connections
from django.http import HttpResponse

from apps.common.models import AuditEvent
from apps.identity.models import User
from cloud import warm_up


@pytest.mark.django_db
def test_the_operator_reads_every_service(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[tuple[str, int]] = []

    def read(path: str, token: str) -> HttpResponse:
        response = once(path, token)
        answers.append((path, response.status_code))
        return response

    once = warm_up.read
    monkeypatch.setattr(warm_up, "read", read)
    monkeypatch.setattr(warm_up, "LONGEST_SECONDS", 60.0)
    monkeypatch.setattr(connections, "close_all", lambda: None)  # pytest-django's session lives on
    warm_up.play()
    assert answers == [(path, 200) for path in warm_up.READS] * warm_up.ROUNDS
    assert not AuditEvent.objects.filter(user_id=admin.pk).exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize(("status", "longest"), [(503, 60.0), (200, 0.0)])
def test_it_is_given_up(monkeypatch: pytest.MonkeyPatch, status: int, longest: float) -> None:
    """With the first failure, or when it takes too long: the API starts."""
    paths: list[str] = []

    def fails(path: str, token: str) -> HttpResponse:
        paths.append(path)
        return HttpResponse(status=status)

    monkeypatch.setattr(warm_up, "LONGEST_SECONDS", longest)
    monkeypatch.setattr(warm_up, "operators_token", lambda: "token")
    monkeypatch.setattr(warm_up, "read", fails)
    monkeypatch.setattr(connections, "close_all", lambda: None)
    warned: list[str] = []
    monkeypatch.setattr(warm_up.log, "warning", lambda event, **values: warned.append(values["why"]))
    warm_up.play()
    assert len(paths) == 1 and warned == [f"{paths[0]}: {status}"]


@pytest.mark.django_db
def test_a_cloud_without_an_operator_has_no_token() -> None:
    assert warm_up.operators_token() == ""


def test_a_database_that_does_not_answer_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "close_all", lambda: None)  # pytest-django's session lives on
    warm_up.play()  # pytest-django refuses the query
