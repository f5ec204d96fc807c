"""Counters of an API's processes: the first clears them, any of them answers the sum, dead ones included."""

import os
import subprocess
import sys
from pathlib import Path

from apps.operations.metrics import directory

COUNT = """
import os, sys, signal
from apps.operations.metrics import directory
directory.prepare()
from apps.operations.metrics import requests
for seconds in (0.001, 0.2):
    child = os.fork()
    if child == 0:
        requests.observe("servers", "GET", 200, seconds)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
for sample in next(iter(requests.collect())).samples:
    print(sample.name, sample.labels.get("le", ""), sample.value)
"""


def run(code: str, state: Path) -> str:
    environment = {**os.environ, "CELERITY_STATE_DIR": str(state), "DJANGO_SETTINGS_MODULE": "cloud.settings"}
    environment.pop(directory.VARIABLE, None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_sum_of_all_processes(tmp_path: Path) -> None:
    told = run(COUNT, tmp_path)
    assert "celerity_api_request_seconds_count  2.0" in told
    assert "celerity_api_request_seconds_bucket 0.005 1.0" in told
    assert "celerity_api_request_seconds_count  2.0" in run(COUNT, tmp_path), "a new API begins at nothing"


def test_a_second_process_of_the_same_api_empties_nothing(tmp_path: Path) -> None:
    second = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', '"
    second += "from apps.operations.metrics import directory\\ndirectory.prepare()'], check=True)\n"
    told = run(COUNT.replace("for sample", second + "for sample"), tmp_path)
    assert "celerity_api_request_seconds_count  2.0" in told


def test_no_place_to_write(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the directory would be")
    code = "from apps.operations.metrics import directory\ndirectory.prepare()\n"
    code += "import os\nprint(os.environ.get(directory.VARIABLE))"
    assert run(code, tmp_path).strip() == "None"
