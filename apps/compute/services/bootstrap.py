"""The first flavors, from fixtures/flavors.json. Idempotent: existing rows are not changed."""

import json
from pathlib import Path

from django.conf import settings
from django.db.models import Q

from apps.common.sql import statistics
from apps.compute.models import Flavor


def ensure_flavors(*, path: Path | None = None) -> int:
    """Make the flavors that are missing by id and by name. Returns how many were made."""
    source = path or Path(settings.BASE_DIR) / "fixtures" / "flavors.json"
    wanted = [Flavor(**document) for document in json.loads(source.read_text())]
    condition = Q(flavor_id__in=[f.flavor_id for f in wanted]) | Q(name__in=[f.name for f in wanted])
    taken = {text for pair in Flavor.objects.filter(condition).values_list("flavor_id", "name") for text in pair}
    missing = [flavor for flavor in wanted if flavor.flavor_id not in taken and flavor.name not in taken]
    Flavor.objects.bulk_create(missing, ignore_conflicts=True)
    statistics.analyse(Flavor)
    return len(missing)
