"""One trace from a request to the running domain is exported; without an endpoint nothing is."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from deploy.testrun import PREFIX, Services, root_of_states
from tests.cloud import Cloud, wait_for

STEPS = ("schedule", "allocate_network", "map_block_devices", "fetch_image", "spawn")
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Receiver:
    """OTLP over HTTP, in this process: keeps the spans that it was sent."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                assert self.path == "/v1/traces"
                receiver.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def take(self, sent: Any) -> None:
        for of_process in sent.resource_spans:
            names = {one.key: one.value.string_value for one in of_process.resource.attributes}
            for scope in of_process.scope_spans:
                self.spans += [(names["service.name"], span) for span in scope.spans]

    def names(self, trace_id: str) -> list[str]:
        return [span.name for _, span in self.spans if span.trace_id.hex() == trace_id]

    def trace(self, trace_id: str) -> dict[str, tuple[str, Any]]:
        """Return name -> (process, span) of a trace."""
        return {span.name: (process, span) for process, span in self.spans if span.trace_id.hex() == trace_id}


def about(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture(scope="module")
def traced(receiver: Receiver) -> Iterator[Cloud]:
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    with Services(state) as services, Cloud(services, CELERITY_HOSTS="1", CELERITY_OTLP_ENDPOINT=receiver.url) as cloud:
        yield cloud


def boot(cloud: Cloud, trace_id: str) -> tuple[str, str]:
    """Return a settled server's id and the id of the request, asked for within a trace of the caller's."""
    headers = {"traceparent": CALLER.replace("0af7651916cd43dd8448eb211c80319c", trace_id)}
    body = {"name": "vm", "imageRef": cloud.image(), "flavorRef": "1", "networks": "auto"}
    answer = cloud.call("POST", "/compute/v2.1/servers", {"server": body}, headers=headers)
    assert answer.status_code == 202, answer.text
    key = str(answer.json()["server"]["id"])
    cloud.settled(key)
    return key, answer.headers["x-openstack-request-id"]


def test_one_trace_from_the_request_to_the_domain(traced: Cloud, receiver: Receiver) -> None:
    trace_id = "a" * 32
    key, request_id = boot(traced, trace_id)
    steps = {f"server.build.{name}" for name in STEPS}
    names = {"POST compute/v2.1/servers", "dispatch", "hypervisor.spawn", *steps, *(f"{one} waiting" for one in steps)}
    wait_for(lambda: names <= set(receiver.trace(trace_id)), what=f"spans {names - set(receiver.trace(trace_id))}")
    found = receiver.trace(trace_id)
    process, request = found["POST compute/v2.1/servers"]
    assert process == "api"
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    told = about(request)
    assert (told["http.response.status_code"], told["celerity.request_id"]) == (202, request_id)
    assert found["dispatch"][1].parent_span_id == request.span_id
    for name in steps:
        process, step = found[name]
        assert process == ("scheduler" if name.endswith("schedule") else "host-agent"), name
        assert step.parent_span_id == request.span_id
        assert (about(step)["celerity.server"], about(step)["celerity.attempt"]) == (key, 1)
        waiting = found[f"{name} waiting"][1]
        assert waiting.start_time_unix_nano <= waiting.end_time_unix_nano <= step.end_time_unix_nano
    assert about(found["server.build.spawn"][1])["celerity.host"] == "sim-001"
    assert found["hypervisor.spawn"][1].parent_span_id == found["server.build.spawn"][1].span_id


@pytest.mark.heavy
def test_a_step_that_is_sent_again_stays_in_the_trace(traced: Cloud, receiver: Receiver) -> None:
    """The agent dies within a step: the retry continues the trace of the run."""
    trace_id = "b" * 32
    traced.plan(spawn=3.0)
    running = "SELECT 1 FROM workflow_run WHERE next_step = 'spawn' AND step_state = 'running'"

    def strike() -> None:
        wait_for(lambda: traced.rows(running), what="a running spawn")
        traced.kill("agent")
        traced.plan()

    killer = threading.Thread(target=strike)
    killer.start()
    boot(traced, trace_id)
    killer.join()
    wait_for(lambda: "hypervisor.spawn" in receiver.trace(trace_id), what="the second spawn's span")
    wait_for(lambda: receiver.names(trace_id).count("dispatch") == 2, what="the span of the second dispatch")
    lost = traced.rows("SELECT count(*) FROM workflow_step WHERE result = 'lost'")
    assert lost == [(1,)]


def test_a_failure_is_told_by_its_name_alone(traced: Cloud, receiver: Receiver) -> None:
    trace_id = "c" * 32
    traced.plan({"op": "spawn", "error": "abort", "message": "A secret of the host."})
    boot(traced, trace_id)
    traced.plan()
    wait_for(lambda: "server.build.spawn" in receiver.trace(trace_id), what="the failed spawn's span")
    spawn = receiver.trace(trace_id)["server.build.spawn"][1]
    assert spawn.status.code == 2 and spawn.status.message
    assert "secret" not in str([span for _, span in receiver.spans])


LOADED = """
import importlib, json, sys
loaded = {}
for name in sys.argv[1:]:
    importlib.import_module(name)
    loaded[name] = "opentelemetry" in {module.split(".")[0] for module in sys.modules}
print(json.dumps(loaded))
"""


@pytest.mark.parametrize(
    ("endpoint", "modules"),
    [
        ("", {"cloud.beat": False, "cloud.celery": False, "cloud.wsgi": False}),
        ("http://127.0.0.1:1", {"cloud.beat": False, "cloud.celery": True}),
        ("http://127.0.0.1:1", {"cloud.wsgi": True}),
    ],
)
def test_nothing_is_loaded_without_an_endpoint(endpoint: str, modules: dict[str, bool], tmp_path: Path) -> None:
    """Modules are imported one after another in one process, so the last of them may be the one that loads it."""
    environment = {**os.environ, "CELERITY_STATE_DIR": str(tmp_path), "CELERITY_OTLP_ENDPOINT": endpoint}
    environment |= {"DJANGO_SETTINGS_MODULE": "cloud.settings"}
    environment.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *modules], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == modules
