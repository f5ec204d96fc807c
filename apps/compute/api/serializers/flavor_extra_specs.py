"""Extra specs: names and values as texts; values that are known to be wrong are refused from 2.86 on."""

import re
from typing import Any

from apps.common.exceptions import BadRequest
from apps.common.microversions import Version, since
from apps.compute import extra_specs

_KEY = re.compile(r"\A[a-zA-Z0-9-_:. ]{1,255}\Z")
VALIDATED = since("2.86")
MAX_AT_ONCE = 256


def parse(data: Any, version: Version, *, field: str = "extra_specs") -> dict[str, str]:
    """Return checked extra specs. Raises BadRequest (400) naming the key that is wrong."""
    if not isinstance(data, dict):
        raise BadRequest(f"Invalid input for field/attribute {field}: it must be an object.")
    if len(data) > MAX_AT_ONCE:
        raise BadRequest(f"Invalid input for field/attribute {field}: it has more than {MAX_AT_ONCE} items.")
    return {_key(key, field): _value(key, value, version) for key, value in data.items()}


def _key(key: Any, field: str) -> str:
    if not isinstance(key, str) or not _KEY.match(key):
        raise BadRequest(
            f"Invalid input for field/attribute {field}: '{str(key)[:64]}' is no name of an extra spec "
            "(1 to 255 letters, digits, spaces and - _ : .)."
        )
    return key


def _value(key: str, value: Any, version: Version) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > 255:
        raise BadRequest(
            f"Invalid input for field/attribute {key}: it must be a text of at most 255 characters or a number."
        )
    text = str(value)
    if "\0" in text:
        raise BadRequest(f"Invalid input for field/attribute {key}: it must not contain NUL.")
    problem = extra_specs.problem(key, text) if version in VALIDATED else None
    if problem:
        raise BadRequest(problem)
    return text
