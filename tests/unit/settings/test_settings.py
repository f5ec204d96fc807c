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


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("FILTERS", "+no.such.Module", "'+no.such.Module' cannot be imported"),
        ("FILTERS", "-bogus", "'-bogus' is not understood"),
        ("WEIGHERS", "ram=nan", "'ram=nan'"),
    ],
)
@pytest.mark.parametrize(("process", "module"), [("api", "cloud.wsgi"), ("scheduler", "cloud.celery")])
def test_filters_and_weighers_are_made_before_the_first_boot(
    process: str, module: str, name: str, value: str, says: str
) -> None:
    variables = {"CELERITY_PROCESS": process, f"CELERITY_SCHEDULER_{name}": value}
    done = start(f"import {module}", **variables)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert f"ImproperlyConfigured: CELERITY_SCHEDULER_{name}: {says}" in last


@pytest.mark.parametrize("process", ["host-agent", ""])
def test_who_chooses_no_host_does_not_need_the_operators_module(process: str) -> None:
    """Agents run on other machines; a command must report what is wrong."""
    code = "import cloud.celery, sys\nprint('pyparsing' in sys.modules)"
    done = start(code, CELERITY_PROCESS=process, CELERITY_SCHEDULER_FILTERS="+no.such.Module")
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr
