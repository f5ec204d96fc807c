"""``celerity api_docs``: writes the tables of microversions, docs/compute-api.md and docs/volume-api.md."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.compute.api.version_history import TABLE as COMPUTE
from apps.volumes.api.version_history import TABLE as VOLUMES

TABLES = (COMPUTE, VOLUMES)
DOCS = settings.BASE_DIR / "docs"


class Command(BaseCommand):
    help = "Write docs/compute-api.md and docs/volume-api.md: what each microversion changes, and where it is tested."

    def handle(self, *args: Any, **options: Any) -> None:
        for table in TABLES:
            (DOCS / table.page).write_text(table.text())
