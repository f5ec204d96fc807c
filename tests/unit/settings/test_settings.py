"""Settings that would break a promise are refused when a process starts, with a sentence that says what is wrong."""

import os
import subprocess
import sys

import pytest


def start(code: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "cloud.settings", **variables}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("value", ["0", "-1"])
@pytest.mark.parametrize("module", ["cloud.wsgi", "cloud.celery", "cloud.beat"])
def test_no_build_waits_for_ever(module: str, value: str) -> None:
    done = start(f"import {module}", CELERITY_INSTANCE_BUILD_TIMEOUT=value)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert f"CELERITY_INSTANCE_BUILD_TIMEOUT is {value}: it must be at least 1" in last


def test_a_short_time_is_somebodys_wish() -> None:
    code = "from django.conf import settings\nprint(settings.INSTANCE_BUILD_TIMEOUT)"
    assert start(code, CELERITY_INSTANCE_BUILD_TIMEOUT="1").stdout.strip() == "1"
