"""The harness notices an answer that differs from its description: each kind of difference, at an API made for it."""

import json
from contextlib import nullcontext
from typing import Any

import pytest

from tests.schema import harness

THING = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
BODY = {**THING, "additionalProperties": False}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Things", "version": "1"},
    "paths": {
        "/things/{thing_id}": {
            "put": {
                "parameters": [{"name": "thing_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": BODY, "examples": {"one": {"value": {"name": "x"}}}}},
                },
                "responses": {
                    "200": {"description": "", "content": {"application/json": {"schema": THING}}},
                    "400": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}},
                },
            }
        }
    },
}
JSON = "application/json"


class Things:
    """An API that refuses what its description calls invalid, and answers the rest with ``answer``."""

    def __init__(self, answer: tuple[str, str, str], *, strict: bool = True) -> None:
        self.answer, self.strict = answer, strict
        self.bodies: list[Any] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, media_type, text = self.answer
        if self.strict and not self._valid(raw):
            status, media_type, text = "400 Bad Request", JSON, "{}"
        start_response(status, [("Content-Type", media_type)])
        return [text.encode()]

    def _valid(self, raw: bytes) -> bool:
        try:
            body = json.loads(raw)
        except ValueError:
            return False
        self.bodies.append(body)
        return isinstance(body, dict) and set(body) == {"name"} and isinstance(body["name"], str)


def differences(things: Things) -> set[str]:
    sender = harness.Sender({}, isolation=nullcontext)
    (operation,) = harness.load(DOCUMENT, things)
    effort = harness.Effort(valid=5, invalid=10, unknown=1)
    for case in harness.examples_of(operation, DOCUMENT, {"thing_id": "1"}, {}):
        sender.send(case)
    harness.exercise(sender, operation, path={"thing_id": "1"}, ids={"name": "known"}, effort=effort)
    assert sender.sent >= 12
    return {title for _, title in sender.differences}


def test_nothing_is_wrong_with_an_api_as_described() -> None:
    things = Things(("200 OK", JSON, '{"name": "x"}'))
    assert differences(things) == set()
    assert {"name": "x"} in things.bodies, "the description's example was not sent"
    assert {"name": "known"} in things.bodies, "no body referred to what is there"


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        (("500 Internal Server Error", JSON, "{}"), "Server error (500)"),
        (("409 Conflict", JSON, "{}"), "Undocumented status code (409)"),
        (("204 No Content", JSON, ""), "Undocumented status code (204)"),
        (("200 OK", "text/html", "<p>"), "Undocumented Content-Type (200)"),
        (("200 OK", JSON, "{}"), "Response violates schema (200)"),
        (("200 OK", JSON, '{"name": 5}'), "Response violates schema (200)"),
    ],
)
def test_each_difference_is_noticed(answer: tuple[str, str, str], title: str) -> None:
    assert title in differences(Things(answer))


def test_an_invalid_body_that_is_taken_is_noticed() -> None:
    assert differences(Things(("200 OK", JSON, '{"name": "x"}'), strict=False)) == {
        "Schema-violating request accepted (200)"
    }


def test_a_report_shows_the_request_and_the_answer() -> None:
    sender = harness.Sender({}, isolation=nullcontext)
    (operation,) = harness.load(DOCUMENT, Things(("409 Conflict", JSON, "{}")))
    sender.send(operation.Case(path_parameters={"thing_id": "7"}, body={"name": "x"}, media_type=JSON))
    report = str(next(iter(sender.differences.values())))
    assert "PUT /things/7 {'name': 'x'}" in report
    assert "409" in report
