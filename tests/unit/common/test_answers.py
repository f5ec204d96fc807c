"""Answers of the API's description are read from handlers."""

from typing import Any

import pytest
from rest_framework.response import Response

from apps.common.api import answers
from apps.common.api.views import ServiceView

ACCEPTED = 202


def render(row: Any) -> dict[str, Any]:
    return {"id": row}


def page(key: str, rows: list[Any]) -> dict[str, Any]:
    found = {key: list(rows), "links": {"next": None}}
    return {**found, "truncated": True} if len(rows) > 3 else found


def answer(row: Any, status: int = 200) -> Response:
    return Response({"thing": render(row)}, status=status)


class Base(ServiceView):
    noun = "thing"

    def get(self, request: Any) -> Response:
        return Response({self.noun: render(1), "tags": [1], "name": f"{request}", "more": request.user})


class View(Base):
    created = 201

    def get(self, request: Any) -> Response:
        return super().get(request)

    def post(self, request: Any) -> Response:
        if request.data:
            return answer(1, self.created)
        return self._several(request)

    def _several(self, request: Any) -> Response:
        document: dict[str, Any] = {"things": [render(one) for one in request.data]}
        if request.user:
            document["links"] = []
        return Response(document, status=ACCEPTED)

    def put(self, request: Any) -> Response:
        return Response(page("things", []))

    def delete(self, request: Any) -> Response:
        def inner() -> Response:
            return Response(status=500)

        return Response(status=204 if request.user and inner() else ACCEPTED)

    def patch(self, request: Any) -> Response:
        request.refuse()
        return Response(unknown(request))  # type: ignore[name-defined]  # noqa: F821


OBJECT, ARRAY, TEXT = {"type": "object"}, {"type": "array", "items": {}}, {"type": "string"}
EXPECTED: dict[str, dict[int, Any]] = {
    "get": {
        200: {
            "type": "object",
            "properties": {"thing": OBJECT, "tags": ARRAY, "name": TEXT, "more": {}},
            "required": ["thing", "tags", "name", "more"],
        }
    },
    "post": {
        201: {"type": "object", "properties": {"thing": OBJECT}, "required": ["thing"]},
        202: {"type": "object", "properties": {"things": ARRAY}, "required": ["things"]},
    },
    "put": {
        200: {
            "type": "object",
            "properties": {
                "things": ARRAY,
                "links": {"type": "object", "properties": {"next": {}}, "required": ["next"]},
                "truncated": {"type": "boolean"},
            },
            "required": ["things", "links"],
        }
    },
    "delete": {202: None, 204: None},
    "patch": {200: {}},
}


@pytest.mark.parametrize("method", EXPECTED)
def test_codes_and_documents(method: str) -> None:
    assert {one.code: one.schema for one in answers.of_view(View(), method)} == EXPECTED[method]


def test_attributes_that_a_route_changes() -> None:
    codes = [one.code for one in answers.of_view(View(created=200), "post")]
    assert codes == [200, 202]
