"""Default descriptions of operations, made of method and path."""

import re
from http import HTTPStatus
from typing import Any

_PARAMETER = re.compile(r"\{(\w+)\}")
_VERSION = re.compile(r"v\d+(\.\d+)?$")
_VERBS = {"post": "Create", "put": "Update", "patch": "Update", "delete": "Delete", "head": "Check"}
_WORDS = {"os": "", "ec2tokens": "EC2 tokens"}
_EXTENSIONS = {"OS-EC2": "EC2 credentials", "OS-KSCRUD": "user's own account"}  # others only group what follows


def _segments(path: str) -> list[str]:
    """Return a path's segments behind service and version."""
    parts = path.strip("/").split("/")[1:]
    parts = parts[1:] if parts and _VERSION.match(parts[0]) else parts
    return [part for part in parts if not part.startswith("OS-") or part in _EXTENSIONS]


def _noun(segment: str) -> str:
    if segment in _EXTENSIONS:
        return _EXTENSIONS[segment]
    words = [_WORDS.get(word, word) for word in re.split(r"[-_]", segment)]
    return " ".join(word for word in words if word) or segment


def _singular(noun: str) -> str:
    for ending, other in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("s", "")):
        if noun.endswith(ending) and not noun.endswith("ss"):
            return noun[: -len(ending)] + other
    return noun


def _with_article(noun: str) -> str:
    single = _singular(noun)
    vowel = single[:1].lower() in "aeio" or single.startswith("EC2")
    return f"{'an' if vowel else 'a'} {single}"


def resource(path: str) -> str:
    """Return the tag of a path: its service and the resource it begins with, "compute: servers"."""
    service = path.strip("/").split("/", 1)[0] or "celerity"
    nouns = [segment for segment in _segments(path) if not _PARAMETER.match(segment)]
    return f"{service}: {_noun(nouns[0])}" if nouns else f"{service}: versions"


def summary(method: str, path: str) -> str:
    """Return a title: a verb and its object, and whose it is."""
    parts = _segments(path)
    nouns = [_noun(part) for part in parts if not _PARAMETER.match(part)]
    if not nouns:
        return "Show the versions of the API"
    verb, about = method.lower(), nouns[-1]
    of = f" of {_with_article(nouns[-2])}" if len(nouns) > 1 and parts[-2:][0] != nouns[-2] else ""
    if about == "action":
        return f"Act on {_with_article(nouns[-2])}" if len(nouns) > 1 else "Act"
    if about == "detail":
        return f"List {nouns[-2]} with details"
    if _PARAMETER.match(parts[-1]):
        return f"{'Show' if verb == 'get' else _VERBS.get(verb, verb.title())} {_with_article(about)}{of}"
    if verb == "get":
        return f"List {about}{of}" if about.endswith("s") else f"Show the {about}{of}"
    if verb == "post":
        return f"Create {_with_article(about)}{of}"
    return f"{_VERBS.get(verb, verb.title())} the {about}{of}"


_FAULTS = {
    400: "The request is not acceptable; the message names the field.",
    401: "There is no valid token.",
    403: "Policy does not allow this to the caller.",
    404: "There is no such object, or it is not visible to the caller.",
    409: "The state of the object, or another one, does not allow this.",
    406: "There is no such version of the API.",
    410: "The object is gone.",
    411: "The request lacks the length of its body.",
    412: "The object has another revision than the request names.",
    413: "The body is too large, or a quota is exceeded.",
    415: "The body has another media type than those listed.",
    416: "The object has no such range of bytes.",
    429: "Too many requests.",
    501: "This cloud does not offer it, as the hypervisor cannot do it.",
    503: "The database or a host does not answer. Nothing changed; try again.",
    507: "The store has no room for the image.",
}
_OF_SERVICES = {"compute": {406}, "volume": {406, 412}, "image": {410, 411, 416, 507}, "network": {412}}


def refusals(method: str, path: str, *, has_body: bool) -> dict[str, dict[str, Any]]:
    """Return the refusals that an operation may answer, by status, in the shape of its service."""
    service = path.strip("/").split("/", 1)[0]
    codes = {400, 401, 403, 404, 429, 503}
    if method.upper() not in ("GET", "HEAD"):
        codes |= {409, 413}
    if path.endswith("/diagnostics"):
        codes.add(409)  # the guest has to run
    if "/os-hosts/{" in path:
        codes.add(501)  # turning hosts on and off
    if has_body:
        codes.add(415)
    codes |= _OF_SERVICES.get(service, set())
    return {str(code): {"description": _FAULTS[code], "content": _content(service, code)} for code in sorted(codes)}


def _content(service: str, code: int) -> dict[str, Any]:
    """Return the document of a refusal, and the page that Glance's clients read in its place (`fault_pages.py`)."""
    content: dict[str, Any] = {"application/json": {"schema": _shape(service, code)}}
    if service == "image" and code != HTTPStatus.UNAUTHORIZED:
        content["text/html"] = {"schema": {"type": "string"}}
    return content


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _shape(service: str, code: int) -> dict[str, Any]:
    """Return the schema of the error document that apps/common/api/errors.py writes."""
    text, number = {"type": "string"}, {"type": "integer"}
    if service == "identity" or code == HTTPStatus.UNAUTHORIZED:
        return _object(error=_object(code=number, title=text, message=text))
    if service == "network":
        return _object(NeutronError=_object(type=text, message=text, detail=text))
    if service == "image":
        return _object(code=text, title=text, message=text)
    return {"type": "object", "additionalProperties": _object(code=number, message=text)}
