"""The base of every view: parse, check policy, call one service, render."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from apps.common.api import parsing
from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest

__all__ = ["BadRequest", "Response", "ServiceView"]


class ServiceView(APIView):
    """``request_serializers`` and ``response_serializers`` map HTTP methods to classes, for parsing and OpenAPI.

    ``response_serializers`` says more of answers than the handler's source does (`answers.py`): one class for each
    success, or a class for each code.
    ``action_serializers`` maps the names of actions, of which a POST has one as its body's only key, to classes.
    ``request_schemas`` maps a method to {media type: JSON schema}, for bodies that no serializer describes.
    ``beside`` names the keys that are allowed beside the object; None allows any, which are ignored.
    ``examples`` maps HTTP methods to documents that the browsable API's form starts with.
    """

    request_serializers: dict[str, type[Serializer[Any]]] = {}
    action_serializers: dict[str, type[Serializer[Any]]] = {}
    request_schemas: dict[str, Any] = {}
    response_serializers: dict[str, Any] = {}
    beside: tuple[str, ...] | None = None
    examples: dict[str, Any] = {}

    @classmethod
    def handlers(cls, method: str) -> list[Callable[..., Any]]:
        """Return the functions that answer a method, for OpenAPI: its handler, or those to which it passes requests."""
        return [getattr(cls, method)]

    @property
    def caller(self) -> RequestContext:
        """Return who asks. Raises nothing: views without a caller set ``permission_classes = []``."""
        context: RequestContext = self.request.auth  # type: ignore[assignment]
        return context

    def parse(
        self, request: Request, key: str | None = None, serializer: type[Serializer[Any]] | None = None
    ) -> dict[str, Any]:
        """Return the validated values of the body's object under ``key`` (of the whole body without one).

        Raises BadRequest (400) naming the first field that is wrong.
        """
        data = request.data
        if not isinstance(data, dict):
            raise BadRequest("The request body must be a JSON object.")
        if key is not None:
            if key not in data:
                raise BadRequest(f"Invalid input: the request body must have the key '{key}'.")
            self._check_beside(data, key)
            data = data[key]
            if not isinstance(data, dict):
                raise BadRequest(f"Invalid input for field/attribute {key}: it must be an object.")
        cls = serializer or self.request_serializers[str(request.method).lower()]
        with parsing.parser(cls, data=data, context={"view": self, "request": request}) as parsed:
            parsed.is_valid(raise_exception=True)
            return dict(parsed.validated_data)

    def _check_beside(self, body: dict[str, Any], key: str) -> None:
        if self.beside is None:
            return
        unknown = "', '".join(sorted(str(name)[:64] for name in body if name not in (key, *self.beside))[:5])
        if unknown:
            raise BadRequest(f"Additional properties are not allowed ('{unknown}' was unexpected)")
