"""Statistics of small tables, which autovacuum never gathers: without them the planner plans for thousands of rows.

Replaces: nothing of upstream; autovacuum analyses a table when 50 rows and a tenth of it have changed.
Gains: a fifth of a token check.
Remove: drop the calls in the applications' bootstrap services, delete this module.
"""

from django.db import connection
from django.db.models import Model


def analyse(*models: type[Model]) -> None:
    """Gather the statistics of the models' tables. 1 statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in models)}")
