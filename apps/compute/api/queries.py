"""Query parameters: which are known, and from which microversion unknown ones are refused."""

from collections.abc import Iterable

from rest_framework.request import Request

from apps.common.exceptions import BadRequest
from apps.common.microversions import Version, version


def check(
    request: Request, known: Iterable[str] = (), *, strict_since: str = "2.75", repeatable: Iterable[str] = ()
) -> None:
    """Refuse parameters as Nova's query schemas do: repeated ones, and unknown ones from ``strict_since`` on.

    Raises BadRequest (400) naming the parameter.
    """
    names = set(known)
    for name in names:
        if len(request.GET.getlist(name)) > 1:
            raise BadRequest(f"Invalid input for query parameters {name}. It was given more than once.")
    unknown = sorted(set(request.GET) - names - set(repeatable))
    asked: Version = request.version  # type: ignore[assignment]  # DRF's stubs know texts alone
    if unknown and asked >= version(strict_since):
        names_ = "', '".join(name[:64] for name in unknown[:5])
        raise BadRequest(f"Additional properties are not allowed ('{names_}' was unexpected)")
