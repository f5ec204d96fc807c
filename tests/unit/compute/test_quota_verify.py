"""quota_verify finds every difference between recorded usage and rows, and corrects it."""

import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.compute.models import KeyPair, Server
from apps.quotas.models import Usage
from apps.quotas.services import reservations, verification

pytestmark = pytest.mark.django_db

FLAVOR = {"id": "1", "original_name": "f", "vcpus": 2, "ram": 512, "disk": 1, "ephemeral": 0, "swap": 0}
EACH = {"instances": 1, "cores": 2, "ram": 512}


def new_server(project: str = "p") -> Server:
    return Server.objects.create(
        project_id=project, user_id="u", name="s", hostname="s", flavor=FLAVOR, reservation_id="r-1"
    )


def run(*arguments: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("quota_verify", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), error.returncode
    return out.getvalue(), 0


def test_an_empty_cloud() -> None:
    assert run() == ("Quota usage matches the database.\n", 0)


def test_reserved_and_in_use_are_told_apart() -> None:
    building, active = new_server(), new_server()
    reservations.reserve(owner_id="p", each=EACH, consumers=[building.id, active.id])
    assert not verification.verify()
    reservations.commit(consumers=[active.id])
    assert not verification.verify()
    assert Usage.objects.get(resource="cores").reserved == 2


@pytest.mark.parametrize("change", ["usage", "lost row", "orphan", "key pair", "missing"])
def test_differences_are_found_and_repaired(change: str) -> None:
    server = new_server()
    reservations.reserve(owner_id="p", each=EACH, consumers=[server.id])
    reservations.commit(consumers=[server.id])
    changes: dict[str, Any] = {
        "usage": lambda: Usage.objects.filter(resource="cores").update(in_use=9),
        "lost row": lambda: server.delete(),
        "orphan": lambda: reservations.reserve(owner_id="p", each=EACH, consumers=[uuid.uuid4()]),
        "key pair": lambda: KeyPair.objects.create(user_id="u", name="k", public_key="x", fingerprint="f"),
        "missing": lambda: Usage.objects.all().delete(),
    }
    changes[change]()
    text, code = run()
    assert code == 1 and text
    told, code = run("--repair")
    assert code == 0 and told.endswith("Repaired.\n")
    assert run() == ("Quota usage matches the database.\n", 0)


@pytest.mark.django_db(transaction=True)
def test_verify_looks_at_one_moment() -> None:
    """Outside of a test's transaction the snapshot is a real one."""
    new_server()
    assert verification.verify().differences
    verification.repair()
    assert not verification.verify()
