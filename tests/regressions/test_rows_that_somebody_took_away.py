"""A limit for a service that was deleted concurrently failed at the commit, and the answer was a 500.

When a concurrent request changes a row first, the answer is 409. Our own errors are still reported as 500.
"""

import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import RequestFactory

from apps.common.api import errors
from apps.compute.models import BlockDevice, Flavor

pytestmark = pytest.mark.django_db(transaction=True)


def refers_to_nothing() -> None:
    with transaction.atomic():  # refused by the commit
        BlockDevice.objects.create(server_id=uuid.uuid4(), kind="root")


def is_there_already() -> None:
    for _ in range(2):
        Flavor.objects.create(flavor_id="twice", name="twice", ram_mib=1, vcpus=1)


def has_no_name() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE compute_flavor SET name = NULL")


def answer(work: Callable[[], None]) -> Any:
    with pytest.raises(IntegrityError) as refused:
        work()
    request = SimpleNamespace(path="/compute/v2.1/servers", _request=RequestFactory().get("/compute/v2.1/servers"))
    return errors.handle(refused.value, {"request": request})


@pytest.mark.parametrize("work", [refers_to_nothing, is_there_already])
def test_who_is_overtaken_may_try_again(work: Callable[[], None]) -> None:
    found = answer(work)
    assert found.status_code == 409
    assert "at the same moment" in found.data["conflictingRequest"]["message"]
    assert "violates" not in str(found.data)


def test_a_mistake_of_ours_is_still_one() -> None:
    Flavor.objects.create(flavor_id="one", name="one", ram_mib=1, vcpus=1)
    assert answer(has_no_name).status_code == 500
