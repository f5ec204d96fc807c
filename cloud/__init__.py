"""The Django project: settings, one route table, the Celery app, WSGI."""

import cloud.tuning.lean  # noqa: F401 - before anything loads what it keeps out
