"""Run by Tempest's own Python: reads stestr's subunit stream, writes one JSON object per finished test."""

import json
import re
import sys

import subunit  # type: ignore[import-not-found]
from testtools import StreamToDict  # type: ignore[import-not-found]

EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|[a-z]): ")
STATES = {"success": "passed", "xfail": "passed", "skip": "skipped"}


def cause(test):
    """Return the reason of a skip, or the last line of a traceback: the service's answer where there is one."""
    details = test["details"]
    if "reason" in details:
        return details["reason"].as_text().strip()
    texts = [detail.as_text() for detail in details.values() if detail.content_type.type == "text"]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    answers = [line.removeprefix("Details: ") for line in lines if line.startswith("Details: ")]
    raised = [line for line in lines if EXCEPTION.match(line)]
    return (answers or raised[-1:] or lines[-1:] or ["no result"])[0].strip()


def write(test):
    if test["id"] and test["status"] != "exists":
        state = STATES.get(test["status"], "failed")
        line = {"id": test["id"], "state": state, "cause": "" if state == "passed" else cause(test)}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


stream = StreamToDict(write)
stream.startTestRun()
try:
    subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name="stdout").run(stream)
finally:
    stream.stopTestRun()
