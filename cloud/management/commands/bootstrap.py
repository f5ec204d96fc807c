"""``manage.py bootstrap``: create the rows that a cloud needs before its first request. Safe to repeat."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.compute.services import bootstrap as compute
from apps.identity.services import bootstrap as identity
from apps.networking.services import bootstrap as networking
from apps.networking.services import offloads
from apps.volumes.services import bootstrap as volumes

FIXTURES = settings.BASE_DIR / "fixtures"


def _record_offloads() -> None:
    offloads.record(mode=settings.NETDEV_OFFLOADS)


# Other applications' rows, in this order, after identity's. Each function is idempotent and reads its fixtures/*.json.
HOOKS: list[Callable[[], object]] = [
    networking.load,
    _record_offloads,
    compute.ensure_flavors,
    volumes.ensure_default_type,
    volumes.ensure_keys,
]


def _password(name: str) -> str:
    password = os.environ.get(name, "")
    if not password:
        raise CommandError(f"{name} is not set. Generate a password for it; none is built in.")
    return password


def _cloud(name: str, password: str) -> dict[str, Any]:
    return {
        "auth": {
            "auth_url": f"{settings.PUBLIC_URL}/identity",
            "username": name,
            "password": password,
            "project_name": name,
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "region_name": settings.REGION,
        "identity_api_version": "3",
        "interface": "public",
    }


def write_clouds(path: Path, *, admin_password: str, demo_password: str) -> None:
    """Write clouds.yaml, readable by its owner only, in one move."""
    clouds = {"celerity-admin": _cloud("admin", admin_password), "celerity-demo": _cloud("demo", demo_password)}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        yaml.safe_dump({"clouds": clouds}, file, sort_keys=False)
    temporary.replace(path)


class Command(BaseCommand):
    help = "Create domain, roles, users, projects, catalog, first flavors, networks and volume type; write clouds.yaml."

    def handle(self, *args: Any, **options: Any) -> None:
        admin, demo = _password("CELERITY_ADMIN_PASSWORD"), _password("CELERITY_DEMO_PASSWORD")
        identity.bootstrap(
            admin_password=admin, demo_password=demo, public_url=settings.PUBLIC_URL, region=settings.REGION
        )
        for hook in HOOKS:
            hook()
        path = settings.STATE_DIR / "clouds.yaml"
        write_clouds(path, admin_password=admin, demo_password=demo)
        self.stdout.write(f"bootstrapped; clouds.yaml is {path}")
