"""What saves every test in this process time and shows in no result: cheap hashes, no walk over static files."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from apps.identity.hashers import Argon2idHasher

PRODUCTION = {"time_cost": Argon2idHasher.time_cost, "memory_cost": Argon2idHasher.memory_cost}
CHEAP = {"time_cost": 1, "memory_cost": 8}  # KiB, the least that argon2 takes: 40 ms less for each password


def _hash_with(costs: dict[str, int]) -> None:
    from apps.identity.services import passwords  # with its models, which are not ready when pytest loads plugins

    for name, cost in costs.items():
        setattr(Argon2idHasher, name, cost)
    passwords.nobody.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _cheap() -> None:
    """Real processes of a cloud keep what production has."""
    _hash_with(CHEAP)
    # Each test client loads the middleware again. Without this WhiteNoise then looks at each of 200 static files.
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def production_hashes() -> Iterator[None]:
    """Passwords are hashed at the size that they have in production."""
    _hash_with(PRODUCTION)
    yield
    _hash_with(CHEAP)
