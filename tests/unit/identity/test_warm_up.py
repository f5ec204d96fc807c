"""What the API answers before its workers are forked: reads of the operator, which leave nothing behind."""

import pytest
from django.db import connections

from apps.common.models import AuditEvent
from apps.identity.models import User
from cloud import warm_up


@pytest.mark.django_db
def test_the_operator_reads_every_service(admin: User) -> None:
    token = warm_up.operators_token()
    answers = {path: warm_up.read(path, token).status_code for path in warm_up.READS if path != "/healthz"}
    assert set(answers.values()) == {200}, answers
    assert not AuditEvent.objects.filter(user_id=admin.pk).exists()


@pytest.mark.django_db
def test_a_cloud_without_an_operator_has_no_token() -> None:
    assert warm_up.operators_token() == ""


def test_a_database_that_does_not_answer_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "close_all", lambda: None)  # pytest-django's session lives on
    warm_up.play()  # pytest-django refuses the query
