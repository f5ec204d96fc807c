"""PostgreSQL wrote statements that failed into its log: a second user of one name left its hash there."""

import os
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from apps.identity.models import Domain, User
from tests import sentinels


def _log() -> Path:
    """The run's own server: parallel processes have directories below its."""
    state = Path(os.environ["CELERITY_STATE_DIR"])
    return next(file for up in (state, state.parent) if (file := up / "postgresql" / "postgresql.log").is_file())


@pytest.mark.django_db
def test_a_statement_that_fails_is_not_written_down() -> None:
    domain = Domain.objects.create(name="d")
    before = _log().stat().st_size
    for _ in range(2):
        user = User(domain=domain, name="twice")
        user.set_password("x")
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError:
            pass
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE identity_user SET name = NULL")
    said = _log().read_bytes()[before:].decode()
    assert "user_name_in_domain" in said  # it is logged, with the constraint's name
    assert "argon2id" not in said
    assert list(sentinels.found_in(said)) == []
