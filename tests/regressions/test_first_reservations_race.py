"""Requests that race to be a project's very first were refused: one saw the other's new usage row as "full"."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from apps.quotas.models import Usage
from apps.quotas.services import reservations

USAGE = {"instances": 1, "cores": 2, "ram": 512}


def reserve_and_settle(owner: str) -> None:
    consumer = uuid.uuid4()
    try:
        with transaction.atomic():
            reservations.reserve(owner_id=owner, each=USAGE, consumers=[consumer])
        reservations.commit(consumers=[consumer])
        with transaction.atomic():
            reservations.release(owner_id=owner, each=USAGE, consumer=consumer)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_first_reservations_do_not_refuse_each_other() -> None:
    owners = [uuid.uuid4().hex for _ in range(15) for _ in range(8)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(reserve_and_settle, [owners[index // 8 * 8] for index in range(len(owners))]))
    assert set(Usage.objects.values_list("in_use", "reserved")) == {(0, 0)}
