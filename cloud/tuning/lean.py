"""Loads what every process needs, without the parts that none does; imported before all else of this package.

Replaces: nothing of upstream; see ``import_guard``.
Gains: see there.
Remove: drop the import in cloud/__init__.py, delete this module.
"""

from cloud.tuning.import_guard import absent, hollow, later

later("sqlparse")  # Django splits files of SQL with it, which there are none of
with absent("opentelemetry"), hollow("redis.asyncio"):  # for traces: redis-py would count with it; Flower's half
    import redis  # noqa: F401
with absent("yaml"):  # Celery's messages are JSON
    import kombu.serialization  # noqa: F401
