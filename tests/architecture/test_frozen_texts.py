"""Codes, kinds and sentences of errors are API: frozen_texts.txt lists all, and none of its lines may change."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from apps.common.exceptions import CloudError

ROOT = Path(__file__).resolve().parents[2]
FROZEN = Path(__file__).with_name("frozen_texts.txt")


def classes(parent: type[CloudError]) -> Iterator[type[CloudError]]:
    yield parent
    for child in parent.__subclasses__():
        yield from classes(child)


def lines() -> set[str]:
    """Return a line for each error of an application's exceptions.py, or of its package of that name."""
    for path in (ROOT / "apps").glob("*/exceptions*"):
        importlib.import_module(f"apps.{path.parent.name}.exceptions")
    return {
        f"{place[1]} | {error.code} {error.kind} | {error.template}"
        for error in classes(CloudError)
        if (place := error.__module__.split("."))[0] == "apps" and place[2] == "exceptions"
    }


def test_frozen_texts_stay() -> None:
    frozen = set(FROZEN.read_text().splitlines())
    assert not sorted(frozen - lines()), "clients match these: restore them"
    assert not sorted(lines() - frozen), f"new errors: add their lines to {FROZEN.name}"
