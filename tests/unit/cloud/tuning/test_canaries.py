"""The upstream functions that tuned modules replace have not changed: a digest of each.

A failure after an update: read the new code, adapt the module or remove it, then write the new digest here.
"""

import ast
import hashlib
import inspect
import re
from pathlib import Path
from pydoc import locate

import pytest

ROOT = Path(__file__).resolve().parents[4]
PIECES = [
    *(path for path in sorted((ROOT / "cloud" / "tuning").rglob("*.py")) if path.name != "__init__.py"),
    *(path for path in sorted((ROOT / "apps" / "common" / "sql").glob("*.py")) if path.name != "__init__.py"),
    ROOT / "apps" / "common" / "api" / "parsing.py",
    ROOT / "workers" / "pipelines" / "links.py",
]
SECTIONS = ("Replaces:", "Gains:", "Remove:")
SYMBOL = re.compile(r"\b(?:celery|django|kombu|rest_framework)(?:\.\w+)+")
DIGESTS = {
    "celery.canvas._chain.run": "378491cb50f3",
    "celery.worker.consumer.Consumer.ensure_connected": "3f79cf3bb6d6",
    "celery.worker.consumer.Consumer.on_send_event_buffered": "0429cadc8bf9",
    "celery.worker.consumer.Consumer.register_with_event_loop": "aacc1dedab42",
    "django.db.backends.base.base.BaseDatabaseWrapper.close_if_health_check_failed": "f72eb45356f4",
    "django.db.backends.postgresql.base.DatabaseWrapper.get_new_connection": "acc4e253c2e3",
    "django.db.models.query.ModelIterable.__iter__": "c2a744b8c18e",
    "django.db.models.sql.compiler.SQLInsertCompiler.as_sql": "497ecc56a091",
    "django.db.models.sql.query.Query.sql_with_params": "ea303db591a7",
    "django.urls.resolvers.URLResolver.resolve": "acc58582ea4e",
    "django.utils.deprecation.MiddlewareMixin.__call__": "337be048dd62",
    "kombu.transport.redis.Channel._create_client": "dae92bc4075d",
    "rest_framework.serializers.BaseSerializer.__init__": "400f3b01e97b",
    "rest_framework.serializers.BaseSerializer.is_valid": "2c42a5d6cbbe",
}


def section(path: Path, title: str) -> str:
    """Return what a module's docstring says under a title, as one line."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    found = re.search(rf"^{title}(.*?)(?=^\w+:|\Z)", text, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def symbols(path: Path) -> list[str]:
    return SYMBOL.findall(section(path, "Replaces:"))


def digest(symbol: str) -> str:
    return hashlib.sha256(inspect.getsource(locate(symbol)).encode()).hexdigest()[:12]  # type: ignore[arg-type]


@pytest.mark.parametrize("path", PIECES, ids=lambda path: path.stem)
def test_each_piece_says_what_it_replaces_gains_and_how_to_remove_it(path: Path) -> None:
    missing = [title for title in SECTIONS if not section(path, title)]
    assert not missing
    assert symbols(path) or section(path, "Replaces:").startswith("nothing of upstream")


def test_every_replaced_function_has_a_digest() -> None:
    assert {symbol for path in PIECES for symbol in symbols(path)} == set(DIGESTS)


@pytest.mark.parametrize("symbol", DIGESTS)
def test_upstream_has_not_changed(symbol: str) -> None:
    assert digest(symbol) == DIGESTS[symbol], f"{symbol} changed: read it, adapt what replaces it, write the new digest"
