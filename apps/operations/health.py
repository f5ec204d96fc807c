"""/healthz and /metrics: whether the API's own needs are met, and the cloud in numbers."""

import time

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from apps.operations.metrics import page

BROKER_SECONDS = 0.5


def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200 if the database and the broker answer, else 503 naming the one that does not."""
    started = time.perf_counter()
    checks = {"database": _database(), "broker": _broker()}
    healthy = all(text == "ok" for text in checks.values())
    body = {"status": "ok" if healthy else "unavailable", **checks, "ms": round((time.perf_counter() - started) * 1000)}
    return JsonResponse(body, status=200 if healthy else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "ok"
    except Exception as error:
        connection.close()
        return type(error).__name__


def _broker() -> str:
    from celery import current_app

    try:
        with current_app.connection_for_write(connect_timeout=BROKER_SECONDS) as broker:
            broker.ensure_connection(max_retries=0, timeout=BROKER_SECONDS)
            client = getattr(broker.default_channel, "client", None)
            if client is not None:
                client.ping()
        return "ok"
    except Exception as error:
        return type(error).__name__


def prometheus(request: HttpRequest) -> HttpResponse:
    """Return Prometheus' text format, read from the rows at the moment of asking."""
    return HttpResponse(page.render(), content_type="text/plain; version=0.0.4; charset=utf-8")
