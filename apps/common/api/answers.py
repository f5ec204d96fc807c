"""Reads from a handler's source which codes and documents it answers, for the API's description.

A handler's answers are in its ``Response(…)`` calls; a second table of codes and keys would drift from them.
Calls of the project's own functions and methods are followed. Unreadable parts stay open: every code must be described,
values may be anything. Only the description imports this module; no request runs it.
"""

import ast
import functools
import inspect
import sys
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from rest_framework.response import Response

Schema = dict[str, Any]
JSON, BYTES = "application/json", "application/octet-stream"
DEEPEST = 8  # calls that are followed, one within the other
UNKNOWN: Any = object()
_OF_TYPES: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    dict: {"type": "object"},
    Mapping: {"type": "object"},
    list: {"type": "array", "items": {}},
    tuple: {"type": "array", "items": {}},
    Sequence: {"type": "array", "items": {}},
}
_OF_NODES: dict[type[ast.AST], type] = {
    ast.JoinedStr: str, ast.List: list, ast.ListComp: list, ast.Tuple: list, ast.DictComp: dict, ast.Compare: bool,
}  # fmt: skip
_OF_BUILTINS = {list: list, sorted: list, dict: dict, str: str, bool: bool, int: int, len: int}


@dataclass(frozen=True)
class Answer:
    """One answer of a handler; ``schema`` is None if it has no body."""

    code: int
    media_type: str
    schema: Schema | None


def of_type(annotation: Any) -> Schema:
    """Return the JSON schema of a type; the empty one, which accepts anything, for types without a counterpart."""
    plain = typing.get_origin(annotation) or annotation
    return dict(_OF_TYPES.get(plain, {})) if isinstance(plain, type) else {}


def merged(first: Schema | None, second: Schema | None) -> Schema | None:
    """Return a schema that accepts what either accepts."""
    if first is None or second is None:
        return first if second is None else second
    if first.get("type") != second.get("type"):
        return {}
    if first.get("type") != "object":
        return first if first == second else {key: first[key] for key in first if first[key] == second.get(key)}
    return _objects(first, second)


def _objects(first: Schema, second: Schema) -> Schema:
    ours, theirs = first.get("properties", {}), second.get("properties", {})
    both = {key: merged(ours.get(key), theirs.get(key)) for key in {**ours, **theirs}}
    required = [key for key in first.get("required", []) if key in second.get("required", [])]
    return _object(both, required)


def _object(properties: Schema, required: list[str]) -> Schema:
    return {
        "type": "object",
        **({"properties": properties} if properties else {}),
        **({"required": required} if required else {}),
    }


@functools.lru_cache(maxsize=8)
def _functions(module: str) -> dict[int, ast.FunctionDef]:
    """Return a module's functions by their first line, decorators included."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {min([node.lineno, *(wrapper.lineno for wrapper in node.decorator_list)]): node for node in functions}


@dataclass
class Frame:
    """A function that is read: whose method it is, and the expressions that it was called with."""

    function: types.FunctionType
    view: Any
    bound: dict[str, tuple[ast.expr, "Frame"]] = field(default_factory=dict)
    depth: int = 0

    @functools.cached_property
    def node(self) -> ast.FunctionDef:
        return _functions(self.function.__module__)[self.function.__code__.co_firstlineno]

    def own(self) -> Iterator[ast.AST]:
        """Return the function's nodes without those of functions within it."""
        waiting: list[ast.AST] = list(self.node.body)
        while waiting:
            node = waiting.pop()
            if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
                yield node
                waiting += ast.iter_child_nodes(node)

    def assigned(self, name: str) -> list[ast.expr]:
        """Return every expression that the function assigns to this name."""
        values = []
        for node in self.own():
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            value = getattr(node, "value", None)
            if value is not None and any(isinstance(target, ast.Name) and target.id == name for target in targets):
                values.append(value)
        return values

    def resolve(self, node: ast.expr) -> Any:
        """Return the object that an expression stands for without running anything, or UNKNOWN."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self._named(node.id)
        if isinstance(node, ast.Attribute):
            base = self._base(node.value)
            return UNKNOWN if base is UNKNOWN else getattr(base, node.attr, UNKNOWN)
        return UNKNOWN

    def _named(self, name: str) -> Any:
        if name in self.bound:
            expression, frame = self.bound[name]
            return frame.resolve(expression)
        if name in self.function.__code__.co_varnames:
            given = inspect.signature(self.function).parameters.get(name)
            default = given.default if given else inspect.Parameter.empty
            return UNKNOWN if default is inspect.Parameter.empty else default
        builtins = vars(sys.modules["builtins"])
        return self.function.__globals__.get(name, builtins.get(name, UNKNOWN))

    def _base(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name) and node.id == "self":
            return self.view
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super":
            owner = self.function.__qualname__.split(".")[-2]
            place = next((cls for cls in self.view.__mro__ if cls.__name__ == owner), self.view)
            return super(place, self.view)
        return self.resolve(node)

    def enter(self, call: ast.Call) -> "Frame | None":
        """Return the frame of one of the project's functions that is called; None for others."""
        function = self.resolve(call.func)
        function = inspect.unwrap(getattr(function, "__func__", function)) if callable(function) else None
        if not isinstance(function, types.FunctionType) or self.depth >= DEEPEST:
            return None
        if function.__module__.split(".")[0] != self.function.__module__.split(".")[0]:
            return None
        names = list(inspect.signature(function).parameters)
        if names[:1] == ["self"]:
            names = names[1:]
        bound = {name: (value, self) for name, value in zip(names, call.args, strict=False)}
        bound |= {keyword.arg: (keyword.value, self) for keyword in call.keywords if keyword.arg}
        return Frame(function, self.view, bound, self.depth + 1)


def of_view(view: Any, method: str) -> tuple[Answer, ...]:
    """Return a view's answers to a method, one for each code and media type."""
    cls: Any = type(view)
    of_route = {
        name: value for name, value in vars(view).items() if isinstance(value, int | str) and hasattr(cls, name)
    }
    return _of_class(cls, tuple(sorted(of_route.items())), method)


@functools.cache
def _of_class(cls: Any, of_route: tuple[tuple[str, Any], ...], method: str) -> tuple[Answer, ...]:
    """Return the answers of a class whose attributes its route changes: ``as_view(created=200)``."""
    view: Any = type(cls.__name__, (cls,), dict(of_route)) if of_route else cls
    schemas: dict[tuple[int, str], Schema | None] = {}
    for handler in view.handlers(method):
        for answer in _returned(Frame(inspect.unwrap(handler), view)):
            key = (answer.code, answer.media_type)
            schemas[key] = merged(schemas[key], answer.schema) if key in schemas else answer.schema
    return tuple(Answer(code, media_type, schema) for (code, media_type), schema in sorted(schemas.items()))


def _returned(frame: Frame) -> Iterator[Answer]:
    for node in frame.own():
        if isinstance(node, ast.Return) and node.value is not None:
            yield from _answers(node.value, frame)


def _answers(node: ast.expr, frame: Frame) -> Iterator[Answer]:
    if isinstance(node, ast.IfExp):
        yield from (answer for side in (node.body, node.orelse) for answer in _answers(side, frame))
    elif isinstance(node, ast.BoolOp):
        yield from (answer for side in node.values for answer in _answers(side, frame))
    elif isinstance(node, ast.Name):
        yield from (answer for value in frame.assigned(node.id) for answer in _answers(value, frame))
    elif isinstance(node, ast.Call):
        yield from _called(node, frame)


def _called(call: ast.Call, frame: Frame) -> Iterator[Answer]:
    made = frame.resolve(call.func)
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if made is Response:
        body = keywords.get("data", call.args[0] if call.args else None)
        status = keywords.get("status", call.args[1] if len(call.args) > 1 else None)
        for code in _codes(status, frame):
            yield Answer(code, JSON, None if body is None else document(body, frame))
    elif made in (HttpResponse, FileResponse, StreamingHttpResponse):
        media_type = frame.resolve(keywords["content_type"]) if "content_type" in keywords else BYTES
        for code in _codes(keywords.get("status"), frame):
            yield Answer(code, media_type, {"type": "string", "format": "binary"})
    elif (entered := frame.enter(call)) is not None:
        yield from _returned(entered)


def _codes(node: ast.expr | None, frame: Frame) -> list[int]:
    if node is None:
        return [200]
    if isinstance(node, ast.IfExp):
        return [*_codes(node.body, frame), *_codes(node.orelse, frame)]
    code = frame.resolve(node)
    return [int(code)] if isinstance(code, int) else []


def document(node: ast.expr, frame: Frame) -> Schema:
    """Return the schema of the document that an expression makes; a function of ours is read for its keys."""
    if isinstance(node, ast.Call) and (entered := frame.enter(node)) is not None:
        schemas = [
            document(part.value, entered)
            for part in entered.own()
            if isinstance(part, ast.Return) and part.value is not None
        ]
        if schemas and all("properties" in schema for schema in schemas):
            return functools.reduce(lambda a, b: merged(a, b) or {}, schemas)
        return _annotated(entered.function)
    return value(node, frame, document)


def value(node: ast.expr, frame: Frame, inner: Any = None) -> Schema:
    """Return the schema of a value, from its form or from the annotation of the function that builds it."""
    if isinstance(node, ast.Constant):
        return {} if node.value is None else of_type(type(node.value))
    if type(node) in _OF_NODES:
        return of_type(_OF_NODES[type(node)])
    if isinstance(node, ast.Dict):
        return _keys(node, frame)
    if isinstance(node, ast.IfExp):
        sides = [(inner or value)(side, frame) for side in (node.body, node.orelse)]
        return merged(*sides) or {}
    if isinstance(node, ast.Call):
        return _made(node, frame)
    return _of_name(node, frame, inner or value)


def _of_name(node: ast.expr, frame: Frame, read: Any) -> Schema:
    if not isinstance(node, ast.Name):
        return {}
    if node.id in frame.bound:
        expression, caller = frame.bound[node.id]
        return value(expression, caller)
    given = frame.assigned(node.id)
    if node.id in inspect.signature(frame.function).parameters or not given:
        return {}
    schemas: list[Schema] = [read(expression, frame) for expression in given]
    return functools.reduce(lambda a, b: merged(a, b) or {}, schemas)


def _made(call: ast.Call, frame: Frame) -> Schema:
    made = frame.resolve(call.func)
    if isinstance(made, type) or inspect.isbuiltin(made):
        return of_type(_OF_BUILTINS.get(made, object))
    entered = frame.enter(call)
    return {} if entered is None else _annotated(entered.function)


def _annotated(function: types.FunctionType) -> Schema:
    return of_type(function.__annotations__.get("return", object))


def _keys(node: ast.Dict, frame: Frame) -> Schema:
    properties: Schema = {}
    required: list[str] = []
    for key, item in zip(node.keys, node.values, strict=True):
        if key is None:
            base = document(item, frame)
            properties |= base.get("properties", {})
            required += base.get("required", [])
        elif isinstance(name := frame.resolve(key), str):
            properties[name] = value(item, frame)
            required.append(name)
    return _object(properties, list(dict.fromkeys(required)))
