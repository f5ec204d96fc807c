"""The import guard, log records without unused fields, and the frozen heap."""

import gc
import logging
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from cloud.tuning import log_records, memory
from cloud.tuning.import_guard import absent, hollow, later


def test_a_guarded_import_fails_inside_the_block_only() -> None:
    sys.modules.pop("this", None)
    with absent("this"), pytest.raises(ImportError):
        import this  # noqa: F401
    assert "this" not in sys.modules
    with absent("json"):
        import json
    assert sys.modules["json"] is json, "what is loaded stays"


def test_what_is_loaded_later_is_loaded_by_its_first_use() -> None:
    kept = sys.modules.pop("this", None)
    later("this")
    try:
        import this

        assert not hasattr(this, "__file__"), "the import system asks for such names"
        assert callable(this.s.format)
        assert sys.modules["this"].__file__
    finally:
        sys.modules.pop("this", None)
        if kept is not None:
            sys.modules["this"] = kept


def test_a_part_of_what_is_loaded_later() -> None:
    code = (
        "import sys\nfrom cloud.tuning.import_guard import later\nlater('wsgiref')\nimport wsgiref\n"
        "from wsgiref.headers import Headers\nassert Headers and sys.modules['wsgiref'].__file__"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_hollow_package_is_whole_after_the_block() -> None:
    code = (
        "import sys\nfrom cloud.tuning.import_guard import hollow\n"
        "with hollow('email.mime'):\n    from email.mime import text\n"
        "    assert not hasattr(sys.modules['email.mime'], '__file__')\n"
        "assert 'email.mime' not in sys.modules\n"
        "import email.mime\nassert email.mime.__file__"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with hollow("json"):
        import json
    assert json.dumps, "what is loaded stays"


@pytest.mark.parametrize("module", ["cloud.settings", "cloud.celery_base", "cloud.celery_command"])
def test_no_process_loads_what_it_does_not_use(module: str) -> None:
    idle = {"rich", "pygments", "opentelemetry", "yaml", "redis.asyncio", "redis.asyncio.client", "sqlparse.sql"}
    code = f"import {module}, sys\nprint(*({idle} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_an_agent_and_the_scheduler_load_no_cryptography() -> None:
    """12 MiB in each: they open no token; messages are JSON, which needs no YAML; pages and S3 are others' business.

    The same holds for sign-in with its passcodes, and for config drives until one is made.
    """
    drivers = ["storage.local", "volume.local.driver", "backup.archive.driver"]
    drivers += ["hypervisor.libvirt.driver"] if find_spec("libvirt") else []
    idle = {"cryptography.hazmat.bindings._rust", "yaml", "rest_framework", "jsonschema", "requests", "boto3", "unfold"}
    idle |= {"redis.asyncio", "sqlparse.sql", "pycdlib", "pyotp", "apps.identity.services.authentication"}
    code = (
        "import cloud, django, sys; django.setup(); import cloud.celery, workers.host.process\n"
        f"import {', '.join(f'workers.drivers.{name}' for name in drivers)}\n"
        f"print(*({idle} & set(sys.modules)))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "cloud.settings", "CELERITY_PROCESS": "host-agent"}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert shown.stdout == "\n"


def test_records_are_made_without_a_walk_up_the_stack() -> None:
    log_records.leave_out_unused()
    made: list[logging.LogRecord] = []
    logger = logging.Logger("made here")
    logger.handle = made.append  # type: ignore[method-assign, assignment]
    logger.warning("text")
    [record] = made
    assert (record.lineno, record.thread, record.process) == (0, None, None)


def test_what_is_loaded_is_frozen() -> None:
    memory.freeze_loaded()
    try:
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
