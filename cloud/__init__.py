"""The Django project: settings, one route table, the Celery app, WSGI."""
