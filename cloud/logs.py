"""Structured logs: one JSON line per event, with the request, server, run, step and host in hand."""

from typing import Any

import orjson

from cloud.tuning import log_records
from cloud.tuning.import_guard import absent

# structlog's development renderer loads Rich and Pygments if they are installed: 3 MiB per process, for coloured
# tracebacks that no log file shows.
with absent("rich"):
    import structlog
    import structlog.dev


def _message_last(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Cut over-long values: a name of 64 KiB in a request must not fill the disk (OSSA 2012-003)."""
    return {
        k: (v[:2000] + "…" if isinstance(v, str) and len(v) > 2000 and k != "exception" else v)
        for k, v in event.items()
    }


def _json(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _message_last,
]


LOGGERS: dict[str, dict[str, str]] = {
    "django.server": {"level": "WARNING"},
    # At DEBUG, Django logs a traceback for every missing variable of a page's template: seconds per page.
    "django.template": {"level": "INFO"},
    # Django would log every 4xx a second time; RequestMiddleware logs each request.
    "django.request": {"level": "ERROR"},
    "celery": {"level": "WARNING"},
    "celery.worker.strategy": {"level": "WARNING"},
    "celery.app.trace": {"level": "ERROR"},
}


def logging_config(*, form: str, level: str) -> dict[str, Any]:
    """Return Django's LOGGING for lines in ``form`` ("json" or "console") from ``level`` upwards."""
    log_records.leave_out_unused()
    last: Any = (
        structlog.dev.ConsoleRenderer() if form == "console" else structlog.processors.JSONRenderer(serializer=_json)
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    last,
                ],
                "foreign_pre_chain": SHARED,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": LOGGERS,
    }
