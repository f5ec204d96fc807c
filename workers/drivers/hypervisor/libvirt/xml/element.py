"""Fields of element classes: each says where its value is written in the XML, and how."""

from __future__ import annotations

import re
from dataclasses import MISSING, field, fields
from typing import Any, ClassVar

from lxml import etree

# Characters that XML 1.0 cannot contain, even escaped (section 2.2): control characters, surrogates, U+FFFE and U+FFFF.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A carriage return comes back from a parser as a newline, so it cannot be carried faithfully either.
_REPLACED = re.compile("[\r]")


def clean(text: str) -> str:
    """The text with everything that XML cannot carry replaced by U+FFFD. Metacharacters are the writer's work."""
    return _REPLACED.sub("\ufffd", _FORBIDDEN.sub("\ufffd", text))


def attribute(name: str, *, default: Any = MISSING) -> Any:
    """A field written as an attribute; None leaves it out, a bool is yes or no."""
    return field(default=default, metadata={"kind": "attribute", "name": name})


def content(*, default: Any = MISSING) -> Any:
    """A field written as the element's own text."""
    return field(default=default, metadata={"kind": "content"})


def leaf(name: str, *, default: Any = MISSING) -> Any:
    """A field written as a child that holds nothing but text; None leaves it out."""
    return field(default=default, metadata={"kind": "leaf", "name": name})


def child(*, default: Any = MISSING) -> Any:
    """A field that holds one element, None, or a tuple of elements: written as children, in order."""
    return field(default=default, metadata={"kind": "child"})


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(str(value))


class Element:
    """A dataclass whose fields are made by the functions above. `tag` may be {namespace}name."""

    tag: ClassVar[str]
    namespaces: ClassVar[dict[str, str] | None] = None

    def build(self) -> Any:
        """The lxml element with everything below it."""
        made = etree.Element(self.tag, nsmap=self.namespaces)
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if value is None:
                continue
            _WRITERS[item.metadata["kind"]](made, item.metadata.get("name", ""), value)
        return made

    def xml(self) -> str:
        """The element as text, indented."""
        text: str = etree.tostring(self.build(), pretty_print=True, encoding="unicode")
        return text


def _write_attribute(made: Any, name: str, value: object) -> None:
    made.set(name, _written(value))


def _write_content(made: Any, _name: str, value: object) -> None:
    made.text = _written(value)


def _write_leaf(made: Any, name: str, value: object) -> None:
    etree.SubElement(made, name).text = _written(value)


def _write_child(made: Any, _name: str, value: Element | tuple[Element, ...]) -> None:
    for element in value if isinstance(value, tuple) else (value,):
        made.append(element.build())


_WRITERS: dict[str, Any] = {
    "attribute": _write_attribute,
    "content": _write_content,
    "leaf": _write_leaf,
    "child": _write_child,
}
