"""Bodies that were read and could not be written: nested 1,000 deep (500 to anybody), numbers beyond 64 bits (a user
with such an attribute made every list of users a 500)."""

import io
from typing import Any

import orjson
import pytest

from apps.common.api.parsers import MAX_NESTING, JSONParser
from apps.common.api.renderers import JSONRenderer
from apps.common.exceptions import BadRequest
from apps.identity.models import Policy


def _parsed(text: str) -> Any:
    return JSONParser().parse(io.BytesIO(text.encode()))


@pytest.mark.parametrize(("begin", "end"), [('{"a":', "}"), ("[", "]"), ('[{"a":', "}]")])
def test_nested_too_deep(begin: str, end: str) -> None:
    times = 1000 // len(end)
    with pytest.raises(BadRequest):
        _parsed(begin * times + "1" + end * times)


def test_nested_as_deep_as_allowed_and_as_wide_as_one_likes() -> None:
    assert _parsed("[" * MAX_NESTING + "]" * MAX_NESTING)
    assert len(_parsed('{"a": [' + ",".join(["[{}]"] * 5000) + "]}")["a"]) == 5000


@pytest.mark.django_db
@pytest.mark.parametrize("number", ["1180591620717411303424", "1e300", "-1e22", "18446744073709551616"])
def test_large_numbers_come_back(number: str) -> None:
    row = Policy.objects.create(type="x", blob="x", extra={"weight": orjson.loads(number)})
    row.refresh_from_db()
    shown = JSONRenderer().render({"policies": [{**row.extra, "name": "é"}]})
    assert orjson.loads(shown)["policies"][0] == {"weight": pytest.approx(float(number)), "name": "é"}
