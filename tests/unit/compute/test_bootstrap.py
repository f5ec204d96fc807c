"""The first flavors: made once, and left alone after that."""

import pytest

from apps.compute.models import Flavor
from apps.compute.services import bootstrap

pytestmark = pytest.mark.django_db


def test_flavors_are_made_once() -> None:
    assert bootstrap.ensure_flavors() == 5
    assert {"m1.nano", "m1.tiny", "m1.small", "m1.medium", "m1.large"} == set(
        Flavor.objects.values_list("name", flat=True)
    )
    Flavor.objects.filter(name="m1.tiny").update(ram_mib=192)
    Flavor.objects.filter(name="m1.large").delete()
    assert bootstrap.ensure_flavors() == 1
    assert Flavor.objects.get(name="m1.tiny").ram_mib == 192
