"""Sends requests that schemathesis generates from the API's description, and collects differences."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import schemathesis
from django.test.client import ClientHandler
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core import NOT_SET
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks as conformance

from tests.lock_order import undone

JSON_PATCH = "application/openstack-images-v2.1-json-patch"
CHECKS = [
    not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
    conformance.negative_data_rejection,
]
SHOWN = 600  # characters of a request and an answer in a report


@schemathesis.serializer(JSON_PATCH)
def _json_patch(context: Any, value: Any) -> bytes:
    return json.dumps(value).encode()


@dataclass(frozen=True)
class Difference:
    """One way in which an operation differs from its description, and a request that shows it."""

    operation: str
    title: str
    request: str
    answer: str
    details: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.title}\n    {self.details}\n    sent {self.request}\n    got {self.answer}"


class Application:
    """Django's test handler as a WSGI application: unlike Django's own it keeps the test's database connection."""

    def __init__(self) -> None:
        self.handler = ClientHandler(enforce_csrf_checks=False)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        response = self.handler(environ)
        content = b"".join(response)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return [content]


def load(document: dict[str, Any], application: Any) -> list[APIOperation]:
    """Return the operations of an OpenAPI document, bound to the WSGI application that answers them."""
    schema = schemathesis.openapi.from_dict(document)
    schema.app = application
    return [result.ok() for result in schema.get_all_operations()]


class Sender:
    """Sends cases with one caller's headers. What a case writes is rolled back."""

    def __init__(
        self, headers: dict[str, str], *, isolation: Callable[[], AbstractContextManager[None]] = undone
    ) -> None:
        self.headers = headers
        self.isolation = isolation
        self.differences: dict[tuple[str, str], Difference] = {}
        self.sent = 0

    def send(self, case: Case) -> None:
        """Send one case, and keep what is wrong with its answer: the first case of each kind."""
        with self.isolation():
            response = case.call(headers=self.headers)
        self.sent += 1
        if (response.status_code, response.content) == (202, b"") and case.operation.path.endswith("/action"):
            return  # of the actions that answer 202 only a rebuild has a document; OpenAPI has one for all
        # 501 is an answer where the description has it: Nova's for what no hypervisor does.
        checks = [check for check in CHECKS if check is not not_a_server_error or response.status_code != 501]
        try:
            case.validate_response(response, checks=checks, headers=self.headers)
        except FailureGroup as group:
            for failure in group.exceptions:
                self._keep(case, response, failure)

    def _keep(self, case: Case, response: Any, failure: Any) -> None:
        title = f"{failure.title} ({response.status_code})"
        body = "" if case.body is NOT_SET else f" {case.body!r}"
        query = f" {case.query!r}" if case.query else ""
        difference = Difference(
            operation=case.operation.label,
            title=title,
            request=f"{case.method} {case.formatted_path}{query}{body}"[:SHOWN],
            answer=f"{response.status_code} {response.headers.get('content-type')} {response.content[:SHOWN]!r}",
            details=" ".join(failure.message.split())[:SHOWN],
        )
        self.differences.setdefault((case.operation.label, title), difference)


def run(send: Callable[[Case], None], cases: st.SearchStrategy[Case], *, examples: int, chosen: int | None) -> None:
    """Send ``examples`` cases: the same ones each time, or those of the seed ``chosen``."""
    quiet = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=chosen is None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )

    @quiet
    @given(case=cases)
    def each(case: Case) -> None:
        send(case)

    (each if chosen is None else seed(chosen)(each))()


def valid(operation: APIOperation, path: dict[str, str], ids: Mapping[str, str]) -> st.SearchStrategy[Case]:
    """Return cases that are valid by the description; half of them refer to existing objects."""
    cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE, path_parameters=path or None)
    if not operation.body:
        return cases
    return st.tuples(cases, st.booleans()).map(lambda pair: _referring(pair[0], ids) if pair[1] else pair[0])


def invalid(operation: APIOperation, path: dict[str, str]) -> st.SearchStrategy[Case]:
    """Return cases that the description calls invalid."""
    return operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, path_parameters=path or None)


def of_unknown(operation: APIOperation) -> st.SearchStrategy[Case]:
    """Return cases about objects that do not exist."""
    return operation.as_strategy(generation_mode=GenerationMode.POSITIVE)


def _referring(case: Case, ids: Mapping[str, str]) -> Case:
    if isinstance(case.body, dict | list):
        case.body = with_ids(case.body, ids)
    return case


def with_ids(value: Any, ids: Mapping[str, str]) -> Any:
    """Return a body with the texts under the names of ``ids`` replaced."""
    if isinstance(value, list):
        return [with_ids(item, ids) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: ids[key] if key in ids and isinstance(item, str) else with_ids(item, ids) for key, item in value.items()
    }


def examples_of(operation: APIOperation, document: Any, path: dict[str, str], ids: Mapping[str, str]) -> Iterator[Case]:
    """Return the requests that the description itself gives as examples, with ids of what is there."""
    described = document["paths"][operation.path][operation.method.lower()]
    for media_type, content in described.get("requestBody", {}).get("content", {}).items():
        for example in content.get("examples", {}).values():
            yield operation.Case(
                path_parameters=dict(path), body=with_ids(example["value"], ids), media_type=media_type
            )


def with_bodies(operation: APIOperation, bodies: Iterable[Any], path: dict[str, str]) -> Iterator[Case]:
    """Return requests with the given bodies; a body of None is none."""
    media_types = [body.media_type for body in operation.body]
    for body in bodies:
        if body is None or not media_types:
            yield operation.Case(path_parameters=dict(path))
        else:
            yield operation.Case(path_parameters=dict(path), body=body, media_type=media_types[0])


@dataclass(frozen=True)
class Effort:
    """How many cases of each kind an operation gets, and their seed (None: always the same cases)."""

    valid: int
    invalid: int
    unknown: int
    seed: int | None = None


def exercise(
    sender: Sender, operation: APIOperation, *, path: dict[str, str], ids: Mapping[str, str], effort: Effort
) -> None:
    """Send cases of every kind to one operation."""
    takes = bool(operation.body or operation.query)
    kinds = [
        (valid(operation, path, ids), effort.valid if takes else 1),
        (invalid(operation, path), effort.invalid if operation.body else 0),
        (of_unknown(operation), effort.unknown if path else 0),
    ]
    for cases, examples in kinds:
        if not examples:
            continue
        try:
            run(sender.send, cases, examples=examples, chosen=effort.seed)
        except Unsatisfiable:  # nothing is invalid for an operation that takes any bytes
            assert cases is not kinds[0][0], f"no valid request can be made for {operation.label}"
